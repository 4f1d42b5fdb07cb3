package public

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
)

// Metrics are the figures that /metrics shows, in a registry of their own.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec

	refusedPings prometheus.Counter
}

// MetricsOptions are what metrics are gathered from.
type MetricsOptions struct {
	Engine  *monitor.Monitor
	Version string // of the program
	// Runs gives counts on runs of plugins; nil leaves them out.
	Runs func() engine.RunStats
	// Streams counts the live event streams.
	Streams func() int
}

// NewMetrics returns metrics of an engine.
func NewMetrics(o MetricsOptions) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "moonwatch_http_request_seconds", Help: "HTTP requests by method, route and status.",
		Buckets: []float64{.001, .005, .02, .1, .5, 2, 10}}, []string{"method", "route", "status"}),
		refusedPings: prometheus.NewCounter(prometheus.CounterOpts{Name: "moonwatch_pings_refused_total",
			Help: "Pings that came faster than their check takes them since the start."})}
	m.registry.MustRegister(m.requests, m.refusedPings, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newEngineCollector(o))
	return m
}

// Count counts one request. Methods that nobody knows are one.
func (m *Metrics) Count(method, route string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// metricsHandler serves /metrics to viewers: it names every service. Where the
// operator says so, it is open.
func (s *Site) metricsHandler(trusted bool) http.Handler {
	figures := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest.NameRoute(w, "/metrics")
		if !rest.Reading(w, r) {
			return
		}
		if !trusted && !s.o.MetricsOpen {
			who, err := s.auth.Authenticate(r)
			if err == nil {
				err = who.Need(access.Viewer)
			}
			if err != nil {
				p, _ := rest.ProblemOf(err, false)
				rest.WriteProblem(w, p)
				return
			}
		}
		figures.ServeHTTP(w, r)
	})
}

// engineCollector reads the engine's figures when it is asked.
type engineCollector struct {
	o     MetricsOptions
	descs map[string]*prometheus.Desc
}

func newEngineCollector(o MetricsOptions) *engineCollector {
	c := &engineCollector{o: o, descs: map[string]*prometheus.Desc{}}
	for _, d := range []struct {
		name, help string
		labels     []string
	}{
		{"moonwatch_checks", "Active checks by status.", []string{"status"}},
		{"moonwatch_subjects", "Services and instances by overall status.", []string{"status"}},
		{"moonwatch_subject_status", "Overall status of a service or instance: 0 passing, 1 warning, 2 error, 3 critical.", []string{"kind", "name"}},
		{"moonwatch_plugins", "Plugins by state.", []string{"state"}},
		{"moonwatch_scheduled_checks", "Checks on the schedule.", nil},
		{"moonwatch_runs_under_way", "Runs that have begun and not ended.", nil},
		{"moonwatch_runs_under_way_limit", "How many runs may be under way.", nil},
		{"moonwatch_runs_waiting_for_memory", "Runs that wait until there is memory for them.", nil},
		{"moonwatch_runs_memory_bytes", "What all runs together held when they were last weighed; 0 while the heap is small.", nil},
		{"moonwatch_runs_memory_limit_bytes", "What all runs together may hold before the heaviest are ended: three quarters of --memory.", nil},
		{"moonwatch_runs_ended_for_memory_total", "Runs that were ended because all runs together held too much.", nil},
		{"moonwatch_runs_started_total", "Runs begun since the start.", nil},
		{"moonwatch_slots_skipped_total", "Slots that passed without a run since the start.", nil},
		{"moonwatch_lag_seconds", "How late runs begin.", nil},
		{"moonwatch_lag_max_seconds", "The largest lag of about the last minute.", nil},
		{"moonwatch_open_incidents", "Incidents that are open.", nil},
		{"moonwatch_deliveries", "Deliveries still to be made, by state.", []string{"state"}},
		{"moonwatch_store_refuses_writes", "1 while the monitor goes on from memory.", nil},
		{"moonwatch_event_streams", "Live event streams.", nil},
		{"moonwatch_start_time_seconds", "When the monitor was started.", nil},
		{"moonwatch_info", "The program's version.", []string{"version"}},
		{"moonwatch_plugin_runs_executing", "Runs that execute Lua now.", nil},
		{"moonwatch_plugin_runs_waiting", "Runs that wait for their turn to execute.", nil},
		{"moonwatch_plugin_runs_total", "Runs of a plugin since the start.", []string{"plugin"}},
		{"moonwatch_plugin_errors_total", "Runs of a plugin that ended in an error of it.", []string{"plugin"}},
		{"moonwatch_plugin_limits_total", "Runs of a plugin that were ended by a limit.", []string{"plugin"}},
		{"moonwatch_plugin_timeouts_total", "Runs of a plugin that were ended at their deadline.", []string{"plugin"}},
		{"moonwatch_plugin_skipped_total", "Runs of a plugin that got no turn in time.", []string{"plugin"}},
		{"moonwatch_plugin_run_seconds_total", "Time of all runs of a plugin together.", []string{"plugin"}},
		{"moonwatch_plugin_run_memory_bytes", "The most memory that a weighed run of a plugin held since the start; the first run of a version is weighed, and one in 64 after it.", []string{"plugin"}},
	} {
		c.descs[d.name] = prometheus.NewDesc(d.name, d.help, d.labels, nil)
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *engineCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *engineCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(name string, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(c.descs[name], prometheus.GaugeValue, v, labels...)
	}
	count := func(name string, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(c.descs[name], prometheus.CounterValue, v, labels...)
	}
	st := c.o.Engine.Stats()
	for _, status := range []engine.CheckStatus{engine.CheckPassing, engine.CheckFailing, engine.CheckUnknown, engine.CheckPending} {
		gauge("moonwatch_checks", float64(st.Checks[status]), string(status))
	}
	for _, status := range engine.Statuses() {
		gauge("moonwatch_subjects", float64(st.Subjects[status]), string(status))
	}
	c.subjects(gauge)
	states := map[engine.PluginState]int{engine.PluginActive: 0, engine.PluginFailed: 0, engine.PluginOrphaned: 0, engine.PluginSuspended: 0}
	for _, p := range c.o.Engine.Plugins.Plugins() {
		suspended, _ := c.o.Engine.Plugins.PluginSuspended(p.Slug)
		states[p.State(suspended)]++
	}
	for state, n := range states {
		gauge("moonwatch_plugins", float64(n), string(state))
	}
	for _, state := range []engine.DeliveryState{engine.DeliveryPending, engine.DeliveryFailed} {
		gauge("moonwatch_deliveries", float64(st.Deliveries[state]), string(state))
	}
	gauge("moonwatch_scheduled_checks", float64(st.Scheduled))
	gauge("moonwatch_runs_under_way", float64(st.UnderWay))
	gauge("moonwatch_runs_under_way_limit", float64(st.MaxUnderWay))
	gauge("moonwatch_runs_waiting_for_memory", float64(st.Hungry))
	gauge("moonwatch_runs_memory_bytes", float64(st.Memory))
	gauge("moonwatch_runs_memory_limit_bytes", float64(st.MaxMemory))
	count("moonwatch_runs_started_total", float64(st.Started))
	count("moonwatch_slots_skipped_total", float64(st.Skipped))
	gauge("moonwatch_lag_max_seconds", st.LagMax.Seconds())
	gauge("moonwatch_open_incidents", float64(st.OpenIncidents))
	gauge("moonwatch_store_refuses_writes", truth(st.MemoryOnly))
	gauge("moonwatch_event_streams", float64(c.o.Streams()))
	gauge("moonwatch_start_time_seconds", float64(st.Since.UnixMilli())/1000)
	gauge("moonwatch_info", 1, c.o.Version)
	out <- c.lag(st)
	if c.o.Runs != nil {
		c.plugins(c.o.Runs(), gauge, count)
	}
}

// subjects gives the status of each service and instance, whose names are unique.
func (c *engineCollector) subjects(gauge func(string, float64, ...string)) {
	rank := func(status engine.Status) float64 { return float64(max(status.Rank()-engine.StatusPassing.Rank(), 0)) }
	for _, v := range c.o.Engine.Targets.Services() {
		gauge("moonwatch_subject_status", rank(v.OverallStatus), string(engine.KindService), v.Name)
	}
	for _, v := range c.o.Engine.Targets.Instances() {
		gauge("moonwatch_subject_status", rank(v.OverallStatus), string(engine.KindInstance), v.Name)
	}
}

func (c *engineCollector) lag(st monitor.Stats) prometheus.Metric {
	buckets := map[float64]uint64{}
	total := uint64(0)
	for i, n := range st.LagBuckets {
		total += uint64(n)
		if i < len(st.LagBounds) {
			buckets[st.LagBounds[i].Seconds()] = total
		}
	}
	return prometheus.MustNewConstHistogram(c.descs["moonwatch_lag_seconds"], total, st.LagSum.Seconds(), buckets)
}

func (c *engineCollector) plugins(f engine.RunStats, gauge, count func(string, float64, ...string)) {
	gauge("moonwatch_plugin_runs_executing", float64(f.Executing))
	gauge("moonwatch_plugin_runs_waiting", float64(f.Waiting))
	count("moonwatch_runs_ended_for_memory_total", float64(f.Ended))
	for slug, p := range f.Plugins {
		count("moonwatch_plugin_runs_total", float64(p.Runs), slug)
		count("moonwatch_plugin_errors_total", float64(p.Errors), slug)
		count("moonwatch_plugin_limits_total", float64(p.Limits), slug)
		count("moonwatch_plugin_timeouts_total", float64(p.Timeouts), slug)
		count("moonwatch_plugin_skipped_total", float64(p.Skipped), slug)
		count("moonwatch_plugin_run_seconds_total", p.Took.Seconds(), slug)
		gauge("moonwatch_plugin_run_memory_bytes", float64(p.Memory), slug)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
