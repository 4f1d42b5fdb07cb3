package oncall

import "context"

// LoadDuty finds the shifts and problems of rotas as they were last known, for
// an engine that is not to be started. It blocks on the disk.
func (svc *Service) LoadDuty(ctx context.Context) error { return svc.Duty.LoadFeeds(ctx) }
