package convention

// vercel is the convention of Vercel's AI SDK. Its outer spans hold the whole
// run, its doGenerate and doStream spans one call.
func vercel() Convention {
	id := "ai.operationId"
	metadata := "ai.telemetry.metadata."
	return Convention{
		Name: "Vercel AI SDK",
		Marks: []Mark{
			{Attribute: id, Values: []string{
				"ai.generatetext.dogenerate", "ai.streamtext.dostream", "ai.generateobject.dogenerate", "ai.streamobject.dostream",
			}, Kind: Model},
			{Attribute: id, Values: []string{"ai.toolcall"}, Kind: Tool},
			{Attribute: id, Values: []string{"ai.generatetext", "ai.streamtext", "ai.generateobject", "ai.streamobject"}, Kind: Agent},
			{Attribute: id, Kind: Step},
		},
		Rows: []Row{
			{Field: Thread, Attribute: metadata + "sessionId"},
			{Field: Thread, Attribute: metadata + "threadId"},
			{Field: Thread, Attribute: metadata + "conversationId"},
			{Field: Thread, Attribute: metadata + "chatId"},
			{Field: Task, Attribute: metadata + "taskId"},
			{Field: Name, Attribute: "ai.telemetry.functionId"},
			{Field: ModelName, Attribute: "ai.model.id"},
			{Field: Provider, Attribute: "ai.model.provider"},
			{Field: ResponseID, Attribute: "ai.response.id"},
			{Field: Input, Attribute: "ai.prompt.messages", Form: Structure},
			{Field: Output, Attribute: "ai.response", Form: Spelled},
			{Field: Finish, Attribute: "ai.response.finishReason"},
			{Field: InputTokens, Attribute: "ai.usage.inputTokens"},
			{Field: InputTokens, Attribute: "ai.usage.promptTokens"},
			{Field: OutputTokens, Attribute: "ai.usage.outputTokens"},
			{Field: OutputTokens, Attribute: "ai.usage.completionTokens"},
			{Field: ToolName, Attribute: "ai.toolCall.name"},
			{Field: ToolID, Attribute: "ai.toolCall.id"},
			{Field: Arguments, Attribute: "ai.toolCall.args"},
			{Field: Result, Attribute: "ai.toolCall.result"},
		},
	}
}
