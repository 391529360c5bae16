package main

const description = `Trains agent policies with GRPO from the traces that agents leave in Kafka.

A job is submitted to a coordinator, workers do it, and its results are fetched from the object store.`

// cli lists the commands, in the order of the help.
type cli struct {
	Demo         demoCommand         `cmd:"" help:"Train the example agent here, with nothing else installed."`
	Up           upCommand           `cmd:"" help:"Run the whole system in this process, until Ctrl-C."`
	Submit       submitCommand       `cmd:"" help:"Submit a job."`
	Jobs         jobsCommand         `cmd:"" help:"List jobs, the newest first."`
	Status       statusCommand       `cmd:"" help:"Show a job."`
	Watch        watchCommand        `cmd:"" help:"Follow a job until it ends."`
	Pause        pauseCommand        `cmd:"" help:"Let a job stand still."`
	Resume       resumeCommand       `cmd:"" help:"Let a job that stands still go on."`
	Cancel       cancelCommand       `cmd:"" help:"End a job."`
	Delete       deleteCommand       `cmd:"" help:"Delete a job that has ended, with all that it stored."`
	Results      resultsCommand      `cmd:"" help:"Fetch what a job has learnt, from the object store alone."`
	Checkpoint   checkpointCommand   `cmd:"" help:"List, verify, replay and compare checkpoints."`
	Serve        serveCommand        `cmd:"" help:"Serve a trained policy over HTTP to agents in production."`
	Telemetry    telemetryCommand    `cmd:"" help:"Look into what agents recorded."`
	Traces       tracesCommand       `cmd:"" help:"Look into traces that exist already: OpenTelemetry, or the log."`
	Doctor       doctorCommand       `cmd:"" help:"Look at everything that Cohort runs on, and say what is wrong."`
	Store        storeCommand        `cmd:"" help:"Try an object store."`
	Context      contextCommand      `cmd:"" help:"Name the servers and stores that are used."`
	Validate     validateCommand     `cmd:"" help:"Check a job spec and its data sets."`
	Schema       schemaCommand       `cmd:"" help:"Print the JSON Schema of job specs, for editors."`
	Completion   completionCommand   `cmd:"" help:"Print a script that completes commands in a shell."`
	ExampleAgent exampleAgentCommand `cmd:"" help:"Run the agent that the example job asks."`
	Version      versionCommand      `cmd:"" help:"Print the version."`
}
