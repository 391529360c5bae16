// Package countdown is the example that Cohort is shown with: an agent that
// plays the numbers game, and learns to.
//
// A task is a few numbers and a target. A move takes two of the numbers and an
// operation, and puts the result in their place. The game ends when a result is
// the target, reward 1, or when one number is left, reward 0.
//
// The agent runs as a process of its own, as a user's would: it answers
// rollouts over HTTP, asks the policy for each move, and leaves its events in
// Kafka. Rules, features and the tasks held out for evaluation are those of the
// reference curves in testdata/reference.json.
package countdown
