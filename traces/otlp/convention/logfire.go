package convention

// logfire is what Pydantic AI and Logfire add to OpenTelemetry's convention.
func logfire() Convention {
	return Convention{
		Name: "Pydantic AI",
		Marks: []Mark{
			// A span that names a tool and no operation ran it.
			{Attribute: "gen_ai.tool.call.id", Kind: Tool},
			{Attribute: "gen_ai.tool.name", Kind: Tool},
		},
		Rows: []Row{
			{Field: Events, Attribute: "events", Form: Structure},
			{Field: Name, Attribute: "agent_name"},
			{Field: ModelName, Attribute: "model_name"},
			{Field: Arguments, Attribute: "tool_arguments"},
			{Field: Result, Attribute: "tool_response"},
		},
	}
}
