package plugintest

import (
	"context"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/runner"
	"moonwatch/luaapi/internal/vm"
)

func testServiceKeys() []string {
	return []string{"kind", "id", "name", "url", "address", "instances", "overall_status", "old_overall_status", "worst_status",
		"last_alert_sent", "page_url", "incident_url", "runbook_link", "alert_kind", "incident_key", "delivery_id", "attempt", "alert_number",
		"event_at", "incident_opened_at", "failing_checks", "passing_checks", "acknowledgement", "settings"}
}

func testUserKeys() []string {
	return []string{"id", "username", "first_name", "last_name", "email", "time_zone", "role", "settings"}
}

func alertKinds() []engine.AlertKind {
	return []engine.AlertKind{engine.AlertFiring, engine.AlertEscalation, engine.AlertDeescalation, engine.AlertUpdate, engine.AlertRepeat,
		engine.AlertRecovery, engine.AlertAcknowledged, engine.AlertUnacknowledged, engine.AlertTest}
}

// testAlert is send_alert{ … } and send_alert_update{ … }: it returns what the
// plugin returned. An error in the plugin raises.
func testAlert(L *lua.LState, name string, update bool) int {
	a, h := vm.Args{L: L, Fn: name}, harnessOf(L)
	if a.Has(1) {
		a.Table(1, "alert")
	}
	o := a.Options(1, "alert", []string{"slug", "service", "users", "duty_officers", "settings"})
	v := h.choose(a, o.Text("slug"), func(v *runner.Version) bool { return v.Manifest.Kind == engine.AlertPlugin }, "send_alert")
	if update && !v.Manifest.HasUpdate {
		L.RaiseError("%s: the plugin has no send_alert_update", name)
	}
	in := &engine.AlertCall{Attempt: 1, PublicURL: testAddress, Update: update, Settings: h.settingsOf(v)}
	if t := o.Table("settings"); t != nil {
		in.Settings = h.mustClean(a, v, engine.SettingsForm, settingsOwner(v), t)
	}
	service := o.Table("service")
	if service == nil {
		service = luaval.NewTable()
	}
	fields := o.OptionsOf(1, service, testServiceKeys())
	in.Service, in.Attempt = h.service(fields, v, 0), fields.Integer("attempt", 1, 1, 1<<31)
	in.Users = h.users(o, "users", v, 0)
	in.DutyOfficers = h.users(o, "duty_officers", v, len(in.Users))
	in.MarkSent = func(id string) error {
		for _, u := range slices.Concat(in.Users, in.DutyOfficers) {
			if u.ID == id {
				h.marked = append(h.marked, u.Username)
			}
		}
		return nil
	}
	var report engine.AlertReport
	h.plugin(L, engine.AttemptTime, func(ctx context.Context) { report = v.Alert(ctx, in) })
	h.log = report.Log
	h.note(report.Traceback, report.Why)
	return pushAlert(L, &report)
}

// inPlugin begins the reason of an attempt that an error in the plugin ended.
const inPlugin = "error in the plugin: "

func pushAlert(L *lua.LState, report *engine.AlertReport) int {
	switch report.Outcome {
	case engine.OutcomeSent:
		L.Push(lua.LTrue)
		return 1
	case engine.OutcomeSkipped:
		L.Push(lua.LString("skipped"))
		L.Push(lua.LString(report.Why))
		return 2
	case engine.OutcomeUnknown:
		L.RaiseError("%s", report.Why)
	}
	if strings.HasPrefix(report.Why, inPlugin) {
		L.RaiseError("%s", report.Why)
	}
	L.Push(lua.LFalse)
	L.Push(lua.LString(report.Why))
	options := luaval.NewRecord(1)
	switch {
	case report.NoRetry:
		options.RawSetString("retry", lua.LFalse)
	case report.RetryAfter > 0:
		options.RawSetString("retry_after", module.InSeconds(report.RetryAfter))
	default:
		return 2
	}
	L.Push(options)
	return 3
}

// service reads a service; what is left out is that of a service that has just
// begun to fail. i is its number, from 0.
func (h *harness) service(o vm.Options, v *runner.Version, i int) *engine.AlertSnapshot {
	now := h.stub.Now()
	id := textOption(o, "id", "s"+strconv.Itoa(i+1))
	s := &engine.AlertSnapshot{
		Subject:          engine.Ref{Kind: engine.KindService, ID: id},
		Name:             textOption(o, "name", "Service"),
		URL:              o.Text("url"),
		Address:          o.Text("address"),
		PageURL:          textOption(o, "page_url", testAddress+"/services/"+id),
		IncidentURL:      o.Text("incident_url"),
		RunbookLink:      o.Text("runbook_link"),
		Kind:             engine.AlertKind(textOption(o, "alert_kind", string(engine.AlertFiring))),
		IncidentKey:      textOption(o, "incident_key", "incident-1"),
		DeliveryID:       textOption(o, "delivery_id", "delivery-1"),
		AlertNumber:      o.Integer("alert_number", 1, 1, 1<<31),
		EventAt:          instantOption(o, "event_at", now),
		IncidentOpenedAt: instantOption(o, "incident_opened_at", now),
	}
	switch kind := textOption(o, "kind", "service"); kind {
	case "service":
	case "instance":
		s.Subject.Kind = engine.KindInstance
		s.PageURL = textOption(o, "page_url", testAddress+"/instances/"+id)
	default:
		o.Fail(o.N, `kind must be "service" or "instance", got %s`, luaval.KeyText(o.Get("kind")))
	}
	if !slices.Contains(alertKinds(), s.Kind) {
		o.Fail(o.N, "alert_kind must be one of %s, got %s", strings.Join(texted(alertKinds()), ", "), luaval.KeyText(o.Get("alert_kind")))
	}
	h.statuses(o, s)
	if o.Get("last_alert_sent") != lua.LNil {
		at := instantOption(o, "last_alert_sent", now)
		s.LastAlertSent = &at
	}
	for i, one := range recordOptions(o, "instances", []string{"id", "name", "address", "overall_status"}) {
		s.Instances = append(s.Instances, instanceOption(one, i))
	}
	if s.Subject.Kind == engine.KindInstance && s.Instances == nil {
		s.Instances = []engine.InstanceSnapshot{{ID: id, Name: s.Name, Address: s.Address, OverallStatus: s.OverallStatus}}
	}
	s.Failing = h.checkRecords(o, "failing_checks", 0, true)
	s.Passing = h.checkRecords(o, "passing_checks", len(s.Failing), false)
	if t := o.Table("acknowledgement"); t != nil {
		s.Acknowledgement = h.acknowledgement(o.OptionsOf(o.N, t, []string{"user", "comment", "at", "expires_at"}))
	}
	if t := o.Table("settings"); t != nil {
		s.Settings = h.mustClean(o.Args, v, engine.ServiceConfigForm, id, t)
	}
	return s
}

func texted[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, one := range list {
		out[i] = string(one)
	}
	return out
}

// statuses reads the statuses; those left out follow from the kind of the event.
func (h *harness) statuses(o vm.Options, s *engine.AlertSnapshot) {
	status, old := engine.StatusError, engine.StatusPassing
	switch s.Kind {
	case engine.AlertRecovery:
		status, old = engine.StatusPassing, engine.StatusError
	case engine.AlertEscalation:
		status, old = engine.StatusCritical, engine.StatusError
	case engine.AlertDeescalation:
		status, old = engine.StatusWarning, engine.StatusError
	case engine.AlertUpdate, engine.AlertRepeat, engine.AlertAcknowledged, engine.AlertUnacknowledged:
		old = statusOption(o, "overall_status", status)
	}
	s.OverallStatus, s.OldOverallStatus = statusOption(o, "overall_status", status), statusOption(o, "old_overall_status", old)
	worst := s.OverallStatus
	if s.OldOverallStatus.Rank() > worst.Rank() {
		worst = s.OldOverallStatus
	}
	s.WorstStatus = statusOption(o, "worst_status", worst)
}

func (h *harness) acknowledgement(o vm.Options) *engine.AcknowledgementSnapshot {
	ack := &engine.AcknowledgementSnapshot{
		User:    textOption(o, "user", "user1"),
		Comment: o.Text("comment"),
		At:      instantOption(o, "at", h.stub.Now()),
	}
	if o.Get("expires_at") != lua.LNil {
		at := instantOption(o, "expires_at", h.stub.Now())
		ack.ExpiresAt = &at
	}
	return ack
}

// checkRecords reads the checks of a service, which are numbered on from first.
func (h *harness) checkRecords(o vm.Options, key string, first int, failing bool) []engine.CheckRecord {
	var list []engine.CheckRecord
	for i, one := range recordOptions(o, key, binding.RecordNames()) {
		id := textOption(one, "id", "c"+strconv.Itoa(first+i+1))
		c := engine.CheckRecord{
			ID:          id,
			Name:        textOption(one, "name", id),
			Plugin:      textOption(one, "plugin", "http"),
			Importance:  statusOption(one, "importance", engine.StatusError),
			Unknown:     one.Flag("unknown", false),
			Error:       one.Text("error"),
			Message:     one.Text("message"),
			Description: one.Text("description"),
			Since:       instantOption(one, "since", h.stub.Now()),
			RunbookLink: one.Text("runbook_link"),
			PageURL:     textOption(one, "page_url", testAddress+"/checks/"+id),
		}
		if failing {
			c.Severity = statusOption(one, "severity", c.Importance)
		} else {
			c.Severity = engine.Status(one.Text("severity"))
		}
		for _, m := range recordOptions(one, "metrics", binding.MetricKeys()) {
			metric := engine.Metric{Name: m.Text("name"), Value: m.Number("value", 0, -1e300, 1e300), Unit: m.Text("unit")}
			for key, at := range map[string]**float64{"warn": &metric.Warn, "fail": &metric.Fail, "min": &metric.Min, "max": &metric.Max} {
				if v := m.Get(key); v != lua.LNil {
					*at = binding.MetricNumber(o.L, key, v)
				}
			}
			c.Metrics = append(c.Metrics, metric)
		}
		list = append(list, c)
	}
	return list
}

// users reads users, which are numbered on from first.
func (h *harness) users(o vm.Options, key string, v *runner.Version, first int) []engine.UserSnapshot {
	var list []engine.UserSnapshot
	for i, one := range recordOptions(o, key, testUserKeys()) {
		list = append(list, h.user(one, v, first+i))
	}
	return list
}

// user reads the i-th user, from 0.
func (h *harness) user(o vm.Options, v *runner.Version, i int) engine.UserSnapshot {
	number := strconv.Itoa(i + 1)
	name := textOption(o, "username", "user"+number)
	id := "u" + number
	if o.Get("username") != lua.LNil {
		id = name // one user in two lists is one user
	}
	u := engine.UserSnapshot{
		ID:        textOption(o, "id", id),
		Username:  name,
		FirstName: o.Text("first_name"),
		LastName:  o.Text("last_name"),
		Email:     o.Text("email"),
		TimeZone:  textOption(o, "time_zone", "UTC"),
		Role:      access.Role(textOption(o, "role", string(access.Viewer))),
	}
	if u.Role.Rank() == 0 {
		o.Fail(o.N, "role must be one of %s, got %s", strings.Join(texted(access.Roles()), ", "), luaval.KeyText(o.Get("role")))
	}
	if t := o.Table("settings"); t != nil {
		u.Settings = h.mustClean(o.Args, v, engine.UserConfigForm, u.ID, t)
	}
	return u
}
