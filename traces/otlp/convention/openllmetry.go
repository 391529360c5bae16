package convention

// openLLMetry is the convention of Traceloop, beside OpenTelemetry's own.
func openLLMetry() Convention {
	kind := "traceloop.span.kind"
	properties := "traceloop.association.properties."
	return Convention{
		Name: "OpenLLMetry",
		Marks: []Mark{
			{Attribute: "llm.request.type", Values: []string{"chat", "completion"}, Kind: Model},
			{Attribute: "llm.request.type", Kind: Step},
			{Attribute: kind, Values: []string{"tool"}, Kind: Tool},
			{Attribute: kind, Values: []string{"workflow", "agent"}, Kind: Agent},
			{Attribute: kind, Kind: Step},
		},
		Rows: []Row{
			{Field: Thread, Attribute: properties + "session_id"},
			{Field: Thread, Attribute: properties + "conversation_id"},
			{Field: Thread, Attribute: properties + "thread_id"},
			{Field: Thread, Attribute: properties + "chat_id"},
			{Field: Task, Attribute: properties + "task_id"},
			{Field: Name, Attribute: "traceloop.entity.name"},
			{Field: ToolName, Attribute: "traceloop.entity.name", Of: Tool},
			{Field: Arguments, Attribute: "traceloop.entity.input", Of: Tool},
			{Field: Result, Attribute: "traceloop.entity.output", Of: Tool},
			{Field: InputTokens, Attribute: "llm.usage.prompt_tokens"},
			{Field: OutputTokens, Attribute: "llm.usage.completion_tokens"},
			{Field: Finish, Attribute: "llm.response.finish_reason"},
			{Field: Finish, Attribute: "llm.response.stop_reason"},
		},
	}
}
