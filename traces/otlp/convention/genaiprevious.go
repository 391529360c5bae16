package convention

// genAIPrevious is what OpenTelemetry's convention for generative AI was before:
// messages are events, and their text lies in the body, in the attribute
// gen_ai.event.content, or in attributes.
func genAIPrevious() Convention {
	return Convention{
		Name: "OpenTelemetry GenAI, earlier",
		Rows: []Row{
			{Field: Provider, Attribute: "gen_ai.system"},
			{Field: Thread, Attribute: "gen_ai.thread.id"},
			{Field: InputTokens, Attribute: "gen_ai.usage.prompt_tokens"},
			{Field: OutputTokens, Attribute: "gen_ai.usage.completion_tokens"},
			{Field: Input, Attribute: "gen_ai.prompt", Form: Spelled},
			{Field: Output, Attribute: "gen_ai.completion", Form: Spelled},
			{Field: Input, Attribute: "gen_ai.prompt", Form: Structure},
			{Field: Output, Attribute: "gen_ai.completion", Form: Structure},
		},
		Events: []EventRow{
			{Event: "gen_ai.system.message", Field: Input, Role: "system"},
			{Event: "gen_ai.user.message", Field: Input, Role: "user"},
			{Event: "gen_ai.assistant.message", Field: Input, Role: "assistant"},
			{Event: "gen_ai.tool.message", Field: Input, Role: "tool"},
			{Event: "gen_ai.choice", Field: Output, Role: "assistant"},
			{Event: "gen_ai.content.prompt", Field: Input, Role: "user"},
			{Event: "gen_ai.content.completion", Field: Output, Role: "assistant"},
		},
	}
}
