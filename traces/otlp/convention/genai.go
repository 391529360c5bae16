package convention

// genAI is OpenTelemetry's convention for generative AI, as of 2025: messages
// are attributes, or attributes of one event.
func genAI() Convention {
	return Convention{
		Name: "OpenTelemetry GenAI",
		Marks: []Mark{
			{Attribute: "gen_ai.operation.name", Values: []string{"chat", "text_completion", "generate_content", "completion"}, Kind: Model},
			{Attribute: "gen_ai.operation.name", Values: []string{"execute_tool"}, Kind: Tool},
			{Attribute: "gen_ai.operation.name", Values: []string{"invoke_agent", "create_agent", "invoke_workflow"}, Kind: Agent},
			{Attribute: "gen_ai.operation.name", Values: []string{"embeddings", "retrieval"}, Kind: Step},
		},
		Rows: []Row{
			{Field: Thread, Attribute: "gen_ai.conversation.id"},
			{Field: Name, Attribute: "gen_ai.agent.name"},
			{Field: ModelName, Attribute: "gen_ai.request.model"},
			{Field: ModelName, Attribute: "gen_ai.response.model"},
			{Field: Provider, Attribute: "gen_ai.provider.name"},
			{Field: ResponseID, Attribute: "gen_ai.response.id"},
			{Field: System, Attribute: "gen_ai.system_instructions", Form: Structure},
			{Field: Input, Attribute: "gen_ai.input.messages", Form: Structure},
			{Field: Output, Attribute: "gen_ai.output.messages", Form: Structure},
			{Field: Finish, Attribute: "gen_ai.response.finish_reasons"},
			{Field: InputTokens, Attribute: "gen_ai.usage.input_tokens"},
			{Field: OutputTokens, Attribute: "gen_ai.usage.output_tokens"},
			{Field: ToolName, Attribute: "gen_ai.tool.name"},
			{Field: ToolID, Attribute: "gen_ai.tool.call.id"},
			{Field: Arguments, Attribute: "gen_ai.tool.call.arguments"},
			{Field: Result, Attribute: "gen_ai.tool.call.result"},
			{Field: Score, Attribute: "gen_ai.evaluation.score.value"},
			{Field: ScoreName, Attribute: "gen_ai.evaluation.name"},
			{Field: ErrorType, Attribute: "error.type"},
		},
		Events: []EventRow{
			{Event: "gen_ai.client.inference.operation.details", Field: Response},
			{Event: "gen_ai.evaluation.result", Field: Score},
		},
	}
}
