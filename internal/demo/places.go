package demo

// place is a service of the city, and what is watched of it: a word for each check,
// with what it needs after colons. See builder.check.
type place struct {
	name     string
	tag      string
	host     string // of its addresses, below the city's domain
	public   bool
	worst    string // importance of the check that answers for it
	checks   string
	runsOn   string // instances
	database bool   // it depends on the main database, and says so
}

func places() []place {
	return []place{
		{"Tram timetable", "transit", "tram", true, "ERROR", "http:90 cert api:departures:410:0.7", "app-1 app-2", false},
		{"Tram control", "transit", "tramcontrol", false, "CRITICAL", "tcp:2404:12 api:trams_in_service:64:0.6", "tram-control", false},
		{"Tram stop displays", "transit", "displays", true, "WARNING", "api:online:182:0 http:140", "stop-harbour stop-market stop-station", false},
		{"Bus arrivals", "transit", "bus", true, "ERROR", "http:110 cert api:buses_tracked:96:0.6", "app-1 app-2", false},
		{"Ticket machines", "transit", "machines", true, "ERROR", "api:online:74:0 tcp:8443:25", "gateway-1", false},
		{"Ticket app", "transit", "tickets", true, "ERROR", "http:160 cert steps:420:open,log_in,buy_a_ticket", "app-3 app-4", false},
		{"Ferry booking", "transit", "ferry", true, "ERROR", "http:180 cert", "app-3", false},
		{"Traffic lights", "transit", "lights", false, "CRITICAL", "tcp:2404:9 api:junctions_online:118:0", "junction-hub", false},
		{"Bike share", "transit", "bikes", true, "WARNING", "http:130 cert api:bikes_docked:640:-0.4", "app-4", false},
		{"Depot radio", "transit", "radio", false, "WARNING", "tcp:5060:18 api:handsets:41:0.5", "radio-depot", false},

		{"Water works", "water", "works", false, "CRITICAL", "tcp:502:14 api:pressure_bar:5.2:-0.08", "pump-1 pump-2", false},
		{"Pump stations", "water", "pumps", false, "ERROR", "api:flow_m3h:830:0.35 tcp:502:16", "pump-1 pump-2 pump-3", false},
		{"Sewage plant", "water", "sewage", false, "ERROR", "api:inflow_m3h:1240:0.3 tcp:502:17", "pump-3", false},
		{"Flood gauges", "water", "flood", true, "ERROR", "api:harbour_level_cm:212:0.06 http:120", "gateway-1", false},
		{"Water billing", "water", "waterbill", true, "WARNING", "http:210 hb:1d:640", "app-5", true},
		{"Water quality lab", "water", "waterlab", false, "WARNING", "http:170 hb:6h:95", "app-5", false},

		{"City website", "city hall", "www", true, "CRITICAL", "http:85 cert dns", "app-1 app-2", false},
		{"Permits online", "city hall", "permits", true, "ERROR", "http:240 cert pgq:open_applications:312:0.2", "app-5", true},
		{"Citizen accounts", "city hall", "account", true, "CRITICAL", "http:150 cert steps:380:open,log_in,profile", "app-3 app-4", true},
		{"Council livestream", "city hall", "live", true, "WARNING", "http:95 api:viewers:38:0.9", "app-6", false},
		{"Registry office", "city hall", "registry", false, "ERROR", "http:230 cert", "app-5", false},
		{"Elections office", "city hall", "elections", false, "WARNING", "http:140 cert dns", "app-6", false},
		{"Document archive", "city hall", "archive", false, "WARNING", "http:310 disk:/archive:78:0.02", "files-1", false},
		{"Forms", "city hall", "forms", true, "WARNING", "http:130 api:waiting:22:0.5", "app-6", false},
		{"Intranet", "city hall", "intranet", false, "WARNING", "http:190 cert", "app-6", false},

		{"Hospital portal", "health", "hospital", true, "CRITICAL", "http:140 cert steps:460:open,log_in,appointments", "app-3 app-4", false},
		{"Hospital records", "health", "records", false, "CRITICAL", "http:170 mysql:11 tcp:2575:13", "records-1", false},
		{"Ambulance dispatch", "health", "dispatch", false, "CRITICAL", "http:70 tcp:5061:8 api:units_free:14:-0.4", "dispatch-1", false},
		{"Lab results", "health", "lab", false, "ERROR", "http:220 api:results_waiting:35:0.7", "records-1", false},
		{"Pharmacy stock", "health", "pharmacy", false, "WARNING", "http:180 hb:1h:48", "app-5", false},
		{"Vaccination booking", "health", "vaccination", true, "WARNING", "http:150 cert", "app-4", false},

		{"Streetlights", "streets", "streetlights", true, "ERROR", "api:lamps_lit:9140:-0.9 tcp:1883:11", "light-hub", false},
		{"Parking meters", "streets", "meters", true, "WARNING", "api:online:506:0 http:140", "gateway-1", false},
		{"Parking app", "streets", "parking", true, "ERROR", "http:170 cert api:spaces_free:1730:-0.6", "app-4", true},
		{"Snow ploughs", "streets", "ploughs", true, "ERROR", "api:reporting:24:0 http:130", "gateway-2", false},
		{"Waste collection", "streets", "waste", true, "WARNING", "http:160 hb:1d:310", "app-6", false},
		{"Road sensors", "streets", "sensors", false, "WARNING", "api:online:388:0 tcp:1883:12", "gateway-2", false},
		{"Tunnel ventilation", "streets", "tunnel", false, "CRITICAL", "tcp:502:9 api:co_ppm:14:0.8", "tunnel-1", false},

		{"Library catalogue", "culture", "library", true, "WARNING", "http:130 cert api:searches:85:0.9", "app-2", false},
		{"Library lending", "culture", "lending", true, "WARNING", "http:150 pgq:loans_today:240:0.9", "app-2", true},
		{"E-books", "culture", "ebooks", true, "WARNING", "http:210 cert", "app-2", false},
		{"Museum tickets", "culture", "museum", true, "WARNING", "http:190 cert", "app-3", false},
		{"Theatre box office", "culture", "theatre", true, "WARNING", "http:200 cert", "app-3", false},
		{"Swimming pools", "culture", "pools", true, "WARNING", "http:140 api:water_celsius:27.4:0.01", "gateway-2", false},
		{"City radio", "culture", "radio1", true, "WARNING", "http:60 api:listeners:1450:0.7", "app-6", false},

		{"Payments", "payments", "pay", true, "CRITICAL", "http:120 cert steps:520:open,card,receipt api:a_minute:46:0.8", "pay-1 pay-2", false},
		{"Invoices", "payments", "invoices", false, "ERROR", "http:180 hb:1d:420", "pay-1", false},
		{"Tax office", "payments", "tax", true, "ERROR", "http:260 cert", "app-5", false},
		{"Payroll", "payments", "payroll", false, "ERROR", "hb:1d:880 http:190", "pay-2", false},
		{"Fines", "payments", "fines", true, "WARNING", "http:170 cert", "app-5", false},

		{"Main database", "platform", "db", false, "CRITICAL", "pg:4 pgq:connections:62:0.5 disk:/data:64:0.01", "db-1", false},
		{"Database replica", "platform", "replica", false, "WARNING", "pg:5 pgq:replication_lag:0.8:0.5", "db-2", false},
		{"Message queue", "platform", "queue", false, "ERROR", "tcp:5672:5 api:messages_waiting:130:0.8", "queue-1", false},
		{"Cache", "platform", "cache", false, "WARNING", "redis:2 redis:2:memory_mb:5800:0.1", "cache-1", false},
		{"Mail", "platform", "mail", false, "ERROR", "tcp:25:35 dns:MX cert:25", "mail-1", false},
		{"Name servers", "platform", "ns", false, "CRITICAL", "dns:NS dns:A:ns1 dns:A:ns2 domain", "dns-1 dns-2", false},
		{"Single sign-on", "platform", "login", false, "CRITICAL", "http:95 cert steps:330:open,password,token", "login-1", false},
		{"File store", "platform", "files", false, "ERROR", "disk:/share:71:0.02 tcp:445:7", "files-1", false},
		{"Backups", "platform", "backup", false, "ERROR", "hb:1d:5400 hb:6h:1300 disk:/backup:82:0.01", "backup-1", false},
		{"Network core", "platform", "core", false, "CRITICAL", "prom:uplink_mbit:2140:0.7 prom:dropped_packets:3:0.8", "core-1 core-2", false},
	}
}

// machines are the instances with their addresses.
func machines() []machine {
	return []machine{
		{"app-1", "10.20.1.11"}, {"app-2", "10.20.1.12"}, {"app-3", "10.20.1.13"}, {"app-4", "10.20.1.14"}, {"app-5", "10.20.1.15"}, {"app-6", "10.20.1.16"},
		{"pay-1", "10.20.2.11"}, {"pay-2", "10.20.2.12"}, {"login-1", "10.20.2.21"},
		{"db-1", "10.20.3.11"}, {"db-2", "10.20.3.12"}, {"queue-1", "10.20.3.21"}, {"cache-1", "10.20.3.31"},
		{"files-1", "10.20.4.11"}, {"backup-1", "10.20.4.21"}, {"mail-1", "10.20.4.31"}, {"dns-1", "10.20.4.53"}, {"dns-2", "10.20.5.53"},
		{"core-1", "10.20.0.1"}, {"core-2", "10.20.0.2"}, {"gateway-1", "10.30.0.1"}, {"gateway-2", "10.30.0.2"},
		{"records-1", "10.40.1.11"}, {"dispatch-1", "10.40.2.11"},
		{"tram-control", "10.50.1.10"}, {"junction-hub", "10.50.2.10"}, {"radio-depot", "10.50.3.10"}, {"light-hub", "10.50.4.10"}, {"tunnel-1", "10.50.5.10"},
		{"stop-harbour", "10.51.0.14"}, {"stop-market", "10.51.0.21"}, {"stop-station", "10.51.0.30"},
		{"pump-1", "10.60.1.10"}, {"pump-2", "10.60.2.10"}, {"pump-3", "10.60.3.10"},
	}
}

type machine struct{ name, address string }
