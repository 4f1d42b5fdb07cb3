package engine

import "sync"

// The services of the engine: what is known and done of one noun each. They hold
// no state of their own but where it says so.
type (
	checkService    struct{ *State }
	targetService   struct{ *State }
	userService     struct{ *State }
	rotaService     struct{ *State }
	silenceService  struct{ *State }
	siteService     struct{ *State }
	revisionService struct{ *State }
	incidentService struct{ *State }
	onCallService   struct {
		*State
		duty *duty
	}
	historyService struct {
		*State
		history history
	}
	configService struct {
		*State
		checks   *checkService
		targets  *targetService
		users    *userService
		rotas    *rotaService
		silences *silenceService

		importing sync.Mutex // imports take turns
	}
)
