package blob

import "context"

// Cut cuts content that may be larger than an object into pieces of at most so
// many bytes, which share its memory, and names them.
func Cut(body []byte, size int) (refs []Ref, pieces [][]byte) {
	for len(body) > 0 {
		piece := body[:min(size, len(body))]
		refs, pieces = append(refs, RefOf(piece)), append(pieces, piece)
		body = body[len(piece):]
	}
	return refs, pieces
}

// PutPieces stores each piece under prefix and its own digest. It is safe to
// repeat.
func PutPieces(ctx context.Context, b Bucket, prefix string, pieces [][]byte) error {
	for _, piece := range pieces {
		if _, err := PutContent(ctx, b, prefix+string(DigestOf(piece)), piece); err != nil {
			return err
		}
	}
	return nil
}

// GetPieces returns the content that was cut into the named pieces, each
// verified.
func GetPieces(ctx context.Context, b Bucket, prefix string, refs []Ref) ([]byte, error) {
	var body []byte
	for _, ref := range refs {
		piece, err := GetContent(ctx, b, prefix+string(ref.Digest), ref.Digest)
		if err != nil {
			return nil, err
		}
		body = append(body, piece...)
	}
	return body, nil
}
