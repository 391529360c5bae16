package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/cohort-rl/cohort/blob"
)

// errPrecondition says that the server found a condition not to hold.
var errPrecondition = errors.New("precondition failed")

// ErrCredentials says that the server refused who asked. It comes with
// blob.ErrDenied.
var ErrCredentials = errors.New("credentials refused")

// ErrAltered says that the server received another body than was sent, and
// stored nothing: what lies between alters what it carries. It comes with
// blob.ErrUnavailable, so it is tried again before it is said.
var ErrAltered = errors.New("body altered on its way to the server")

// skewed is the code of a request whose time is too far from the server's. One
// of the two clocks is wrong, and is set right some day.
const skewed = "RequestTimeTooSkewed"

// kindOf wraps the error of a request that changes nothing, or may be repeated
// without harm, with the contract's kind. ctx is the caller's.
func kindOf(ctx context.Context, err error) error {
	var answer minio.ErrorResponse
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &answer) && answer.StatusCode != 0:
		return answered(answer)
	default:
		return unanswered(err)
	}
}

// kindOfPut is kindOf for a PUT: once its head was sent, an answer that did not
// come, or that a proxy may have given in the server's place, tells nothing about
// what was stored.
func kindOfPut(ctx context.Context, err error, sent bool, cond blob.Condition) error {
	var answer minio.ErrorResponse
	status := 0
	if errors.As(err, &answer) {
		status = answer.StatusCode
	}
	_, replaces := cond.Match()
	switch kind := kindOf(ctx, err); {
	case status == http.StatusPreconditionFailed:
		return errPrecondition
	case status == http.StatusNotFound && replaces && answer.Code == minio.NoSuchKey:
		return errPrecondition // AWS, for If-Match on nothing
	case errors.Is(kind, blob.ErrNotFound):
		return fmt.Errorf("%w: %s", blob.ErrDenied, describe(answer))
	case errors.Is(kind, ErrAltered):
		return kind // it was refused: nothing was stored
	case answer.Code == skewed:
		return kind // before anything of it was looked at
	case sent && (status == 0 || errors.Is(kind, blob.ErrUnavailable)) && !errors.Is(kind, blob.ErrDenied):
		return fmt.Errorf("%w: %w", blob.ErrAmbiguous, unkind(kind))
	default:
		return kind
	}
}

// answered gives the kind of an error that the server reported.
func answered(answer minio.ErrorResponse) error {
	kind := blob.ErrDenied // a request that is wrong stays wrong
	switch status := answer.StatusCode; {
	case answer.Code == minio.NoSuchKey && answer.XMLName.Local == "Error":
		return blob.ErrNotFound
	case status == http.StatusNotFound && answer.XMLName.Local != "Error":
		return fmt.Errorf("%w: %s: no object store answers there; check endpoint and style in the store's URL", kind, describe(answer))
	case answer.Code == minio.NoSuchBucket:
		return fmt.Errorf("%w: there is no such bucket; create it, or name another in the store's URL", kind)
	case throttles(answer):
		kind = blob.ErrThrottled
	case status == http.StatusConflict:
		kind = blob.ErrConflict
	case status == http.StatusRequestEntityTooLarge, answer.Code == "EntityTooLarge":
		kind = blob.ErrTooLarge
	case status == http.StatusNotImplemented:
	case altered(answer.Code):
		return fmt.Errorf("%w: %w: %s; check the proxies and the network between, and this machine's memory", blob.ErrUnavailable, ErrAltered, describe(answer))
	case status >= 500, status == http.StatusRequestTimeout, answer.Code == "RequestTimeout", answer.Code == skewed:
		kind = blob.ErrUnavailable
	}
	if refusesCredentials(answer.Code) {
		return fmt.Errorf("%w: %w: %s", kind, ErrCredentials, describe(answer))
	}
	return fmt.Errorf("%w: %s", kind, describe(answer))
}

func refusesCredentials(code string) bool {
	switch code {
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", minio.AccessDenied:
		return true
	default:
		return false
	}
}

func throttles(answer minio.ErrorResponse) bool {
	return answer.StatusCode == http.StatusTooManyRequests || strings.HasPrefix(answer.Code, "SlowDown") ||
		strings.Contains(answer.Code, "Throttl") || answer.Code == "RequestLimitExceeded"
}

// altered reports that the server received something else than was sent, and
// refused it.
func altered(code string) bool {
	switch code {
	case "BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch":
		return true
	default:
		return false
	}
}

func describe(answer minio.ErrorResponse) string {
	text := fmt.Sprintf("HTTP %d %s: %s", answer.StatusCode, answer.Code, strings.TrimRight(answer.Message, "."))
	switch {
	case answer.Code == "AuthorizationHeaderMalformed", answer.Code == "InvalidRegion":
		text += "; check region in the store's URL"
	case refusesCredentials(answer.Code):
		text += "; check the credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) and what they permit"
	case answer.Code == skewed:
		text += "; set this machine's clock, or that of the store's"
	case answer.StatusCode == http.StatusProxyAuthRequired:
		text += proxyRemedy
	}
	return text
}

const proxyRemedy = "; put USER:PASSWORD@ before the proxy's host in HTTP_PROXY or HTTPS_PROXY, or the endpoint's host into NO_PROXY"

// unanswered gives the kind of an error of the connection.
func unanswered(err error) error {
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	switch {
	case strings.Contains(err.Error(), http.StatusText(http.StatusProxyAuthRequired)): // to CONNECT
		return fmt.Errorf("%w: %s%s", blob.ErrDenied, http.StatusText(http.StatusProxyAuthRequired), proxyRemedy)
	case errors.As(err, &name) && name.IsNotFound:
		return fmt.Errorf("%w: there is no host %s; check endpoint and style in the store's URL", blob.ErrUnavailable, name.Name)
	case errors.As(err, &certificate):
		return fmt.Errorf("%w: %w; name the authority's file as ca=FILE in the store's URL", blob.ErrDenied, err)
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%w: it does not speak TLS; write endpoint=http://... in the store's URL", blob.ErrDenied)
	default:
		// A deadline of ours is no deadline of the caller's.
		return fmt.Errorf("%w: %v", blob.ErrUnavailable, err) //nolint:errorlint // the cause must not match context errors
	}
}

// unkind keeps the text of a kind that another takes the place of.
func unkind(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errors.New(strings.TrimPrefix(err.Error(), blob.ErrUnavailable.Error()+": "))
}
