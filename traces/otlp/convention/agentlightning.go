package convention

// agentLightning is the convention of Agent Lightning and of AgentOps, whose
// tracer it uses.
func agentLightning() Convention {
	kind := "agentops.span.kind"
	return Convention{
		Name: "Agent Lightning",
		Marks: []Mark{
			{Attribute: "gen_ai.request.type", Values: []string{"chat", "completion", "text_completion"}, Kind: Model},
			{Attribute: "agentlightning.operation.name", Kind: Operation},
			{Attribute: "tool.call.id", Kind: Request},
			{Attribute: kind, Values: []string{"llm"}, Kind: Model},
			{Attribute: kind, Values: []string{"tool"}, Kind: Tool},
			{Attribute: kind, Values: []string{"session", "agent", "workflow", "team"}, Kind: Agent},
			{Attribute: kind, Kind: Step},
		},
		Rows: []Row{
			{Field: Thread, Attribute: "agentlightning.rollout_id+agentlightning.attempt_id"},
			{Field: Name, Attribute: "agentlightning.operation.name"},
			{Field: Name, Attribute: "operation.name"},
			{Field: PromptIDs, Attribute: "prompt_token_ids", Form: Structure},
			{Field: ResponseIDs, Attribute: "response_token_ids", Form: Structure},
			{Field: LogProbs, Attribute: "logprobs.content", Form: Structure},
			{Field: ToolName, Attribute: "agentlightning.operation.name"},
			{Field: ToolName, Attribute: "operation.name", Of: Tool},
			{Field: ToolID, Attribute: "tool.call.id"},
			{Field: Arguments, Attribute: "tool.parameters", Of: Request},
			{Field: Arguments, Attribute: "agentlightning.operation.input", Form: Spelled},
			{Field: Arguments, Attribute: "agentlightning.operation.input"},
			{Field: Result, Attribute: "tool.result"},
			{Field: Result, Attribute: "agentlightning.operation.output"},
			{Field: Arguments, Attribute: "agentops.entity.input", Of: Tool},
			{Field: Result, Attribute: "agentops.entity.output", Of: Tool},
			{Field: Score, Attribute: "agentlightning.reward", Form: Spelled},
			{Field: Score, Attribute: "reward"},
		},
	}
}
