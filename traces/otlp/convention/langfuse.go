package convention

// langfuse is the convention of Langfuse's SDKs.
func langfuse() Convention {
	kind := "langfuse.observation.type"
	return Convention{
		Name: "Langfuse",
		Marks: []Mark{
			{Attribute: kind, Values: []string{"generation"}, Kind: Model},
			{Attribute: kind, Values: []string{"tool"}, Kind: Tool},
			{Attribute: kind, Values: []string{"agent"}, Kind: Agent},
		},
		Rows: []Row{
			{Field: Thread, Attribute: "langfuse.session.id"},
			{Field: Task, Attribute: "langfuse.trace.metadata.task_id"},
			{Field: ModelName, Attribute: "langfuse.observation.model.name"},
			{Field: Input, Attribute: "langfuse.observation.input", Form: Structure, Of: Model},
			{Field: Output, Attribute: "langfuse.observation.output", Form: Structure, Of: Model},
			{Field: InputTokens, Attribute: "langfuse.observation.usage_details.input"},
			{Field: OutputTokens, Attribute: "langfuse.observation.usage_details.output"},
			{Field: Arguments, Attribute: "langfuse.observation.input", Of: Tool},
			{Field: Result, Attribute: "langfuse.observation.output", Of: Tool},
		},
	}
}
