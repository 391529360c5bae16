package convention

// openInference is the convention of Arize Phoenix.
func openInference() Convention {
	kind := "openinference.span.kind"
	return Convention{
		Name: "OpenInference",
		Marks: []Mark{
			{Attribute: kind, Values: []string{"llm"}, Kind: Model},
			{Attribute: kind, Values: []string{"tool"}, Kind: Tool},
			{Attribute: kind, Values: []string{"agent"}, Kind: Agent},
			{Attribute: kind, Kind: Step},
		},
		Rows: []Row{
			{Field: Thread, Attribute: "session.id"},
			{Field: Thread, Attribute: "metadata.thread_id"},
			{Field: Task, Attribute: "metadata.task_id"},
			{Field: Name, Attribute: "agent.name"},
			{Field: ModelName, Attribute: "llm.model_name"},
			{Field: Provider, Attribute: "llm.provider"},
			{Field: Provider, Attribute: "llm.system"},
			{Field: Input, Attribute: "llm.input_messages", Form: Spelled},
			{Field: Output, Attribute: "llm.output_messages", Form: Spelled},
			{Field: Finish, Attribute: "llm.finish_reason"},
			{Field: InputTokens, Attribute: "llm.token_count.prompt"},
			{Field: OutputTokens, Attribute: "llm.token_count.completion"},
			{Field: Response, Attribute: "output.value", Form: Structure, Of: Model},
			{Field: ToolName, Attribute: "tool.name"},
			{Field: ToolID, Attribute: "tool_call.id"},
			{Field: Arguments, Attribute: "tool_call.function.arguments"},
			{Field: Arguments, Attribute: "input.value", Of: Tool},
			{Field: Result, Attribute: "output.value", Of: Tool},
		},
	}
}
