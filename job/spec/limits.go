package spec

// Limits are deadlines and sizes. They decide how work is laid out and when a
// job gives up, never what is learnt.
type Limits struct {
	Deadlines        Deadlines `json:"deadlines" doc:"a phase that passes its deadline ends the job"`
	RolloutsInFlight int       `json:"rollouts_in_flight" default:"16" min:"1" max:"1024" doc:"attempts at once within one shard"`
	ShardRollouts    int       `json:"shard_rollouts" default:"16" min:"1" max:"1024" doc:"rollouts of one rollout shard"`
	CollectRollouts  int       `json:"collect_rollouts" default:"2048" min:"1" max:"100000" doc:"rollouts that one collect or assemble shard holds, at most"`
	GradientGroups   int       `json:"gradient_groups" default:"0" min:"0" max:"65536" doc:"groups of one gradient shard, a power of two; 0: the coordinator computes all gradients itself"`
	ShardsInFlight   int       `json:"shards_in_flight" default:"0" min:"0" max:"100000" doc:"shards of one phase that are handed out at once; 0: the job's share of the workers"`
	Priority         string    `json:"priority" default:"normal" enum:"low,normal,high" doc:"how large that share is, beside other jobs: 1, 4 or 16 parts"`
	Drives           int       `json:"drives" default:"20" min:"1" max:"1000" doc:"times that one shard is handed out before the job ends"`
	MinUsed          float64   `json:"min_used" default:"0" min:"0" max:"1" doc:"share of a step's rollouts that must be used, else the job ends"`
}

// Deadlines bound the phases of a step. Their clocks stand still while the job
// is paused or the object store cannot be reached.
type Deadlines struct {
	Rollout Duration `json:"rollout" default:"10m" min:"1s" max:"720h" doc:"all rollouts of a round"`
	Collect Duration `json:"collect" default:"5m" min:"1s" max:"720h" doc:"reading and scoring a round's traces"`
	Update  Duration `json:"update" default:"10m" min:"1s" max:"720h" doc:"the update of the weights"`
	Eval    Duration `json:"eval" default:"10m" min:"1s" max:"720h" doc:"one evaluation"`
}
