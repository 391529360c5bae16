package main

// telemetryCommand lists the commands about what agents record.
type telemetryCommand struct {
	Audit       telemetryAuditCommand       `cmd:"" help:"Hold the log against what its producers say they sent."`
	Tail        telemetryTailCommand        `cmd:"" help:"Show events as they come."`
	DeadLetters telemetryDeadLettersCommand `cmd:"" name:"deadletters" help:"Look at, and replay, events that the log did not take."`
}
