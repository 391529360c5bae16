package spec

// Reward says how a trace becomes a number.
type Reward struct {
	Kind         string      `json:"kind" default:"recorded" enum:"recorded,cel,exact,numeric,json_schema,http" doc:"recorded: the agent sends it; cel: an expression; exact, numeric, json_schema: the answer is held against something; http: a server is asked"`
	Name         string      `json:"name" default:"reward" pattern:"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}$" form:"1 to 100 of letters, digits, _ . / and -" doc:"which reward of the trace, or what the reward is called"`
	CEL          *CEL        `json:"cel" when:"kind=cel" unset:"no expression" doc:"the expression"`
	Exact        *Exact      `json:"exact" when:"kind=exact" unset:"all defaults" doc:"1 for the answer that is expected, else 0"`
	Numeric      *Numeric    `json:"numeric" when:"kind=numeric" unset:"all defaults" doc:"1 for a number that is near the expected one, else 0"`
	JSONSchema   *JSONSchema `json:"json_schema" when:"kind=json_schema" unset:"no schema" doc:"1 for an answer that is JSON of a schema, else 0"`
	HTTP         *HTTP       `json:"http" when:"kind=http" unset:"no server" doc:"the server that is asked"`
	ClipLow      *float64    `json:"clip_low" min:"-1000000" max:"1000000" unset:"no lower bound" doc:"least reward; what is below becomes this"`
	ClipHigh     *float64    `json:"clip_high" min:"-1000000" max:"1000000" unset:"no upper bound" doc:"greatest reward; what is above becomes this"`
	Components   []Component `json:"components" min:"1" max:"16" unset:"the reward called name, alone" doc:"several rewards of a trace, whose weighted sum is the reward"`
	FailureScore *float64    `json:"failure_score" min:"-1000000" max:"1000000" unset:"without a reward a rollout is no sample" doc:"reward of a complete trace that has none, or whose reward fails"`
}

// Component is one of several rewards.
type Component struct {
	Name         string      `json:"name" required:"yes" pattern:"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}$" form:"1 to 100 of letters, digits, _ . / and -" doc:"which reward of the trace, or what the reward is called"`
	Kind         string      `json:"kind" default:"recorded" enum:"recorded,cel,exact,numeric,json_schema,http" training:"unless default" doc:"as reward.kind"`
	Weight       float64     `json:"weight" default:"1" min:"-1000000" max:"1000000" doc:"what it is multiplied with"`
	CEL          *CEL        `json:"cel" when:"kind=cel" unset:"no expression" doc:"the expression"`
	Exact        *Exact      `json:"exact" when:"kind=exact" unset:"all defaults" doc:"1 for the answer that is expected, else 0"`
	Numeric      *Numeric    `json:"numeric" when:"kind=numeric" unset:"all defaults" doc:"1 for a number that is near the expected one, else 0"`
	JSONSchema   *JSONSchema `json:"json_schema" when:"kind=json_schema" unset:"no schema" doc:"1 for an answer that is JSON of a schema, else 0"`
	HTTP         *HTTP       `json:"http" when:"kind=http" unset:"no server" doc:"the server that is asked"`
	ClipLow      *float64    `json:"clip_low" min:"-1000000" max:"1000000" unset:"no lower bound" doc:"least value, before the weight"`
	ClipHigh     *float64    `json:"clip_high" min:"-1000000" max:"1000000" unset:"no upper bound" doc:"greatest value, before the weight"`
	FailureScore *float64    `json:"failure_score" min:"-1000000" max:"1000000" unset:"one that is not given adds nothing; one that fails leaves the rollout without a reward" doc:"value where it is not given, or fails"`
}

// CEL is a reward in the Common Expression Language.
type CEL struct {
	Expression string `json:"expression" required:"yes" min:"1" max:"16384" doc:"expression in CEL over task, answer, rewards, decisions, model_calls, tool_calls, errors, events and truncated; gives a number, true or false, or null for no reward"`
	Cost       int    `json:"cost" default:"1000000" min:"1" max:"1000000000" doc:"how much of CEL's cost one trace may take"`
}

// Exact compares texts.
type Exact struct {
	Answer   string `json:"answer" default:"answer" min:"1" max:"16384" doc:"expression in CEL that gives the answer"`
	Expected string `json:"expected" default:"task.answer" min:"1" max:"16384" doc:"expression in CEL that gives what is expected"`
	Form     string `json:"form" default:"trimmed" enum:"trimmed,bytes,folded" doc:"trimmed: without space around; bytes: as it is; folded: trimmed, upper and lower case alike"`
}

// Numeric compares numbers.
type Numeric struct {
	Answer    string  `json:"answer" default:"answer" min:"1" max:"16384" doc:"expression in CEL that gives the answer, a number or its text"`
	Expected  string  `json:"expected" default:"task.answer" min:"1" max:"16384" doc:"expression in CEL that gives what is expected, a number or its text"`
	Tolerance float64 `json:"tolerance" default:"0.000001" min:"0" max:"1000000000" doc:"how far the two may lie apart"`
	Relative  float64 `json:"relative" default:"0" min:"0" max:"1" doc:"how far more, as a share of what is expected"`
}

// JSONSchema compares an answer with a schema.
type JSONSchema struct {
	Answer string `json:"answer" default:"answer" min:"1" max:"16384" doc:"expression in CEL that gives the answer"`
	Schema string `json:"schema" required:"yes" min:"1" max:"65536" doc:"JSON Schema (draft 2020-12 or 7), as JSON in a text, without references to elsewhere"`
}

// HTTP is a server that scores traces.
type HTTP struct {
	URL      string   `json:"url" required:"yes" max:"2048" pattern:"^https?://[^/?#@ ]+([/?][^# ]*)?$" form:"an http or https URL without user or fragment" doc:"where traces are posted; workers must allow its host"`
	Batch    int      `json:"batch" default:"32" min:"1" max:"1024" training:"no" doc:"traces of one request, at most"`
	Timeout  Duration `json:"timeout" default:"30s" min:"10ms" max:"1h" training:"no" doc:"for one request"`
	Attempts int      `json:"attempts" default:"5" min:"1" max:"100" training:"no" doc:"requests until it counts as unreachable, which drives the shard again"`
	Backoff  Duration `json:"backoff" default:"200ms" min:"1ms" max:"10m" training:"no" doc:"pause before the second request; doubled each time, up to 40 times this"`
}

// Sole is the reward as one component of the weight 1, where it has none.
func (r *Reward) Sole() Component {
	return Component{
		Name: r.Name, Kind: r.Kind, Weight: 1, CEL: r.CEL, Exact: r.Exact, Numeric: r.Numeric, JSONSchema: r.JSONSchema, HTTP: r.HTTP,
		ClipLow: r.ClipLow, ClipHigh: r.ClipHigh, FailureScore: r.FailureScore,
	}
}

// derive fills in what the kinds do without.
func (r *Reward) derive() {
	fill(r.Kind, &r.Exact, &r.Numeric)
	for i := range r.Components {
		fill(r.Components[i].Kind, &r.Components[i].Exact, &r.Components[i].Numeric)
	}
}

func fill(kind string, exact **Exact, numeric **Numeric) {
	if kind == "exact" && *exact == nil {
		*exact = &Exact{Answer: "answer", Expected: "task.answer", Form: "trimmed"}
	}
	if kind == "numeric" && *numeric == nil {
		*numeric = &Numeric{Answer: "answer", Expected: "task.answer", Tolerance: 0.000001}
	}
}
