package spec

import "net/url"

// derive fills in what follows from other settings.
func (s *Spec) derive() {
	if s.Agent.Health == "" {
		if u, err := url.Parse(s.Agent.URL); err == nil && u.Host != "" {
			s.Agent.Health = u.Scheme + "://" + u.Host + "/healthz"
		}
	}
	if sampling := &s.GRPO.DynamicSampling; sampling.MinGroups == 0 && sampling.Rounds > 1 {
		sampling.MinGroups = s.Tasks.Groups
	}
	if s.Eval == nil {
		return
	}
	if s.Eval.Data == "" {
		s.Eval.Data = s.Tasks.Data
	}
	if s.Eval.Timeout == 0 {
		s.Eval.Timeout = s.Agent.Timeout
	}
}
