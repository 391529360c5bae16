package main

// telemetryCommand lists the commands about what agents record.
type telemetryCommand struct {
	Audit telemetryAuditCommand `cmd:"" help:"Hold the log against what its producers say they sent."`
	Tail  telemetryTailCommand  `cmd:"" help:"Show events as they come."`
}
