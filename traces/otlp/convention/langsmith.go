package convention

// langSmith is the convention of LangSmith's OpenTelemetry exporter.
func langSmith() Convention {
	kind := "langsmith.span.kind"
	return Convention{
		Name: "LangSmith",
		Marks: []Mark{
			{Attribute: kind, Values: []string{"llm"}, Kind: Model},
			{Attribute: kind, Values: []string{"tool"}, Kind: Tool},
			{Attribute: kind, Values: []string{"agent"}, Kind: Agent},
			{Attribute: kind, Kind: Step},
		},
		Rows: []Row{
			{Field: Thread, Attribute: "langsmith.metadata.session_id"},
			{Field: Thread, Attribute: "langsmith.metadata.thread_id"},
			{Field: Thread, Attribute: "langsmith.metadata.conversation_id"},
			{Field: Task, Attribute: "langsmith.metadata.task_id"},
			{Field: Name, Attribute: "langsmith.trace.name"},
			{Field: ModelName, Attribute: "langsmith.metadata.ls_model_name"},
			{Field: Provider, Attribute: "langsmith.metadata.ls_provider"},
			{Field: Response, Attribute: "gen_ai.completion", Form: Structure, Of: Model},
			{Field: ToolName, Attribute: "langsmith.trace.name", Of: Tool},
			{Field: Arguments, Attribute: "gen_ai.prompt", Of: Tool},
			{Field: Result, Attribute: "gen_ai.completion", Of: Tool},
		},
	}
}
