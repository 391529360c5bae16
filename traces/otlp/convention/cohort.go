package convention

// cohort is what an agent can say that no other convention has words for.
func cohort() Convention {
	return Convention{
		Name:  "Cohort",
		Marks: []Mark{{Attribute: "cohort.decision.chosen", Kind: Choice}},
		Rows: []Row{
			{Field: Thread, Attribute: "cohort.thread"},
			{Field: Task, Attribute: "cohort.task"},
			{Field: Policy, Attribute: "cohort.policy"},
			{Field: Score, Attribute: "cohort.reward"},
			{Field: ScoreName, Attribute: "cohort.reward.name"},
			{Field: DecisionName, Attribute: "cohort.decision.name"},
			{Field: Chosen, Attribute: "cohort.decision.chosen"},
			{Field: DecisionLogProb, Attribute: "cohort.decision.log_prob"},
			{Field: Features, Attribute: "cohort.decision.features", Form: Structure},
			{Field: Width, Attribute: "cohort.decision.width"},
			{Field: PromptIDs, Attribute: "cohort.prompt_token_ids", Form: Structure},
			{Field: ResponseIDs, Attribute: "cohort.response_token_ids", Form: Structure},
			{Field: LogProbs, Attribute: "cohort.log_probs", Form: Structure},
		},
	}
}
