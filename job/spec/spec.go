package spec

// Version is the format that this package reads and writes.
const Version = "cohort.job/1"

// Spec is a whole job spec. A Spec that [Decode] returned is complete: every
// default is filled in and every bound holds.
type Spec struct {
	Version    string     `json:"version" default:"cohort.job/1" enum:"cohort.job/1" doc:"format of this file"`
	Name       string     `json:"name" required:"yes" pattern:"^[a-z0-9-]{1,40}$" form:"1 to 40 of a-z, 0-9 and -" doc:"name of the job, for people"`
	Seed       uint64     `json:"seed" default:"1" min:"0" max:"9007199254740991" training:"yes" doc:"where all randomness comes from"`
	Steps      int        `json:"steps" required:"yes" min:"1" max:"1000000" doc:"step at which the job ends; a continued checkpoint brings its own along"`
	Policy     Policy     `json:"policy" training:"yes" doc:"what is trained"`
	Agent      Agent      `json:"agent" doc:"who attempts the tasks"`
	Tasks      Tasks      `json:"tasks" doc:"what is attempted"`
	Traces     Traces     `json:"traces" doc:"where the agent's events lie in Kafka"`
	Reward     Reward     `json:"reward" training:"yes" doc:"how a trace is scored"`
	GRPO       GRPO       `json:"grpo" training:"yes" doc:"the mathematics of the update"`
	Optimizer  Optimizer  `json:"optimizer" training:"yes" doc:"from gradient to weights"`
	Eval       *Eval      `json:"eval" unset:"no evaluation" doc:"greedy evaluation of checkpoints"`
	Checkpoint Checkpoint `json:"checkpoint" doc:"how checkpoints are stored"`
	Limits     Limits     `json:"limits" doc:"deadlines and sizes; they never change the result"`
	Start      *Start     `json:"start" unset:"initial weights from the seed" doc:"checkpoint to start from"`
}

// Policy is the shape of what is trained.
type Policy struct {
	Kind     string `json:"kind" required:"yes" enum:"linear,mlp" doc:"linear, or mlp with one hidden layer"`
	Features int    `json:"features" required:"yes" min:"1" max:"4096" doc:"numbers that describe one candidate"`
	Hidden   int    `json:"hidden" default:"128" min:"1" max:"8192" when:"kind=mlp" doc:"width of the hidden layer"`
}

// Agent is the HTTP server that attempts tasks.
type Agent struct {
	URL      string   `json:"url" required:"online" max:"2048" pattern:"^https?://[^/?#@ ]+([/?][^# ]*)?$" form:"an http or https URL without user or fragment" doc:"where rollouts are posted"`
	Timeout  Duration `json:"timeout" default:"30s" min:"10ms" max:"24h" doc:"for one attempt"`
	Attempts int      `json:"attempts" default:"3" min:"1" max:"10" doc:"failures of the agent until a rollout has failed"`
	Backoff  Duration `json:"backoff" default:"50ms" min:"10ms" max:"24h" doc:"pause before a rollout is attempted again; doubled each time, up to 40 times this"`
	Health   string   `json:"health" max:"2048" pattern:"^https?://[^/?#@ ]+([/?][^# ]*)?$" form:"an http or https URL without user or fragment" unset:"/healthz of agent.url's server" doc:"answers 200 while the agent lives"`
}

// Tasks is the data set that rollouts are planned from.
type Tasks struct {
	Data     string `json:"data" required:"online" max:"4096" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f\ufeff\ufffe\uffff]+$" form:"a path without control characters" doc:"JSON Lines file, one task a line, relative to this file"`
	Groups   int    `json:"groups" required:"yes" min:"1" max:"100000" training:"yes" doc:"tasks per step (and round)"`
	Rollouts int    `json:"rollouts" default:"8" min:"1" max:"1024" training:"yes" doc:"attempts at each task, one group"`
}

// Traces says where events are read.
type Traces struct {
	Topic      string   `json:"topic" pattern:"^[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,248}$" form:"1 to 249 of letters, digits, . _ and -, not starting with ." unset:"a topic of the job's own" doc:"Kafka topic; sharing one costs every job the whole range"`
	Partitions int      `json:"partitions" default:"4" min:"1" max:"1024" doc:"partitions of the topic"`
	Offline    *Offline `json:"offline" unset:"an agent attempts the tasks" doc:"train from traces that exist already"`
	Retention  Duration `json:"retention" default:"168h" min:"1m" max:"8760h" doc:"how long Kafka keeps events"`
}

// Eval says when and on what checkpoints are evaluated.
type Eval struct {
	Data    string   `json:"data" max:"4096" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f\ufeff\ufffe\uffff]+$" form:"a path without control characters" unset:"tasks.data" doc:"JSON Lines file of held-out tasks"`
	Every   int      `json:"every" default:"0" min:"0" max:"1000000" doc:"steps between evaluations; 0: before the first and after the last"`
	Tasks   int      `json:"tasks" default:"0" min:"0" max:"1000000" doc:"how many of the data set, from its start; 0: all"`
	Timeout Duration `json:"timeout" min:"10ms" max:"24h" unset:"agent.timeout" doc:"for one attempt"`
}

// Checkpoint says how checkpoints are stored.
type Checkpoint struct {
	Keep       int  `json:"keep" default:"0" min:"0" max:"1000000" doc:"newest checkpoints whose weights are kept, at least 2 + grpo.staleness; 0: all"`
	KeepBest   int  `json:"keep_best" default:"1" min:"0" max:"1000" doc:"checkpoints with the best evaluations that are kept too"`
	ChunkBytes Size `json:"chunk_bytes" default:"16MiB" min:"1MiB" max:"64MiB" training:"yes" doc:"largest piece of a tensor in object storage"`
}

// Modes of Start.
const (
	ModeContinue = "continue" // the same training digest, and steps count on
	ModeWarm     = "warm"     // the weights alone
)

// Start names the checkpoint that a job begins from.
type Start struct {
	Checkpoint string `json:"checkpoint" required:"yes" pattern:"^[0-9a-f]{12,64}$" form:"a checkpoint id: 64 hexadecimal digits, or at least the first 12" doc:"id, or its first digits"`
	Job        string `json:"job" pattern:"^[a-z0-9][a-z0-9-]{0,63}$" form:"a job id: 1 to 64 of a-z, 0-9 and -" unset:"any job of the store" doc:"job whose checkpoint it is"`
	Mode       string `json:"mode" default:"continue" enum:"continue,warm" doc:"continue needs equal mathematics; warm takes the weights alone"`
}
