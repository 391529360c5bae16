package spec

// Offline makes a job of traces that exist already: no agent runs, and each
// step draws its groups from them.
type Offline struct {
	Source     string  `json:"source" required:"yes" max:"4096" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f\ufeff\ufffe\uffff]+$" form:"a path without control characters, or kafka:TOPIC" doc:"file or folder with OTLP, relative to this file, or kafka:TOPIC, as far as it goes at submit"`
	ThreadBy   string  `json:"thread_by" max:"1000" unset:"those of docs/otlp.md" doc:"attributes that name the thread, separated by commas"`
	TaskBy     string  `json:"task_by" max:"1000" unset:"those of docs/otlp.md" doc:"attributes that name the task, separated by commas"`
	Errored    string  `json:"errored" default:"use" enum:"use,drop" doc:"whole threads whose agent failed"`
	Behaviour  string  `json:"behaviour" default:"recorded" enum:"recorded,computed" doc:"log-probabilities of the decisions: recorded: those of the trace; computed: where it has none, by the checkpoint"`
	Checkpoint string  `json:"checkpoint" pattern:"^[0-9a-f]{12,64}$" form:"a checkpoint id: 64 hexadecimal digits, or at least the first 12" unset:"none" doc:"checkpoint that decided in the traces"`
	HeldOut    float64 `json:"held_out" default:"0.2" min:"0" max:"0.9" doc:"share of the tasks that are not trained on"`
}

// IsOffline says whether the job is trained from traces that exist already.
func (s *Spec) IsOffline() bool { return s.Traces.Offline != nil }

// offlineRules are what an online job needs and an offline one cannot have.
func offlineRules() []rule {
	return []rule{
		{[]string{"agent.url", "traces.offline"}, func(s *Spec) string {
			return unless(!s.IsOffline() || s.Agent.URL == "", "has no effect in an offline job, which asks no agent; leave it out")
		}},
		{[]string{"tasks.data", "traces.offline"}, func(s *Spec) string {
			return unless(!s.IsOffline() || s.Tasks.Data == "", "has no effect in an offline job, whose tasks are those of its traces; leave it out")
		}},
		{[]string{"eval", "traces.offline"}, func(s *Spec) string {
			return unless(!s.IsOffline() || s.Eval == nil, "needs an agent; an offline job is evaluated on traces.offline.held_out")
		}},
		{[]string{"traces.topic", "traces.offline"}, func(s *Spec) string {
			return unless(!s.IsOffline() || s.Traces.Topic == "", "has no effect in an offline job; name it as traces.offline.source: kafka:TOPIC")
		}},
		{[]string{"traces.offline.checkpoint", "traces.offline.behaviour", "traces.offline"}, func(s *Spec) string {
			o := s.Traces.Offline
			return unless(o == nil || o.Behaviour != "computed" || o.Checkpoint != "", "is needed where traces.offline.behaviour is computed")
		}},
		{[]string{"grpo.dynamic_sampling.rounds", "traces.offline"}, func(s *Spec) string {
			return unless(!s.IsOffline() || s.GRPO.DynamicSampling.Rounds == 1, "has no effect in an offline job, whose groups are there already; leave it out")
		}},
		{[]string{"grpo.staleness", "traces.offline"}, func(s *Spec) string {
			return unless(!s.IsOffline() || s.GRPO.Staleness == 0, "has no effect in an offline job, which waits for no agent; leave it out")
		}},
	}
}
