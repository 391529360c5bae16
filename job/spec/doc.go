// Package spec defines the job spec: what a user writes in YAML to say what is
// trained, by which agent, on which tasks and with which mathematics.
//
// The tags of the struct fields are the only description of the format. The
// decoder, the bounds, the defaults, the comments of [Marshal] and the JSON
// Schema are all read from them, so they cannot drift apart:
//
//	json      name of the field
//	doc       what the field means, in one line
//	default   value of a field that is left out, as it would be written
//	required  "yes": the field must be given; "online": unless the job is offline
//	min, max  inclusive bounds; of a text, its number of characters; of a list
//	          of sections, of entries
//	above, below  exclusive bounds
//	enum      the allowed values, separated by commas
//	pattern   regular expression that a text must match; form says it in words
//	when      "kind=mlp": the field exists only if the field kind beside it is mlp
//	unset     what it means to leave out a field that has no default
//	training  "yes": the field changes the mathematics, see [Spec.TrainingDigest];
//	          "unless default": its default leaves no trace in the digest, so that
//	          specs from before the field keep theirs; "no": not even in a section
//	          that does
//
// The package is pure: bytes in, values out, no files, no clock.
package spec
