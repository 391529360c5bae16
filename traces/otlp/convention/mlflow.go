package convention

// mlflow is the convention of MLflow's tracing, whose values are JSON.
func mlflow() Convention {
	kind := "mlflow.spanType"
	return Convention{
		Name: "MLflow",
		Marks: []Mark{
			{Attribute: kind, Values: []string{"llm", "chat_model"}, Kind: Model},
			{Attribute: kind, Values: []string{"tool"}, Kind: Tool},
			{Attribute: kind, Values: []string{"agent"}, Kind: Agent},
			{Attribute: kind, Kind: Step},
		},
		Rows: []Row{
			{Field: Thread, Attribute: "mlflow.trace.session"},
			{Field: ModelName, Attribute: "mlflow.llm.model"},
			{Field: Input, Attribute: "mlflow.spanInputs", Form: Structure, Of: Model},
			{Field: Response, Attribute: "mlflow.spanOutputs", Form: Structure, Of: Model},
			{Field: InputTokens, Attribute: "mlflow.chat.tokenUsage.input_tokens"},
			{Field: OutputTokens, Attribute: "mlflow.chat.tokenUsage.output_tokens"},
			{Field: Arguments, Attribute: "mlflow.spanInputs", Of: Tool},
			{Field: Result, Attribute: "mlflow.spanOutputs", Of: Tool},
		},
	}
}
