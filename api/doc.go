// Package api is the HTTP API of a coordinator: its OpenAPI document, the
// server, and a client.
//
//	POST   /v1/jobs               submits a job
//	GET    /v1/jobs               lists jobs, the newest first
//	GET    /v1/jobs/{id}          one job
//	DELETE /v1/jobs/{id}          deletes one that has ended
//	GET    /v1/jobs/{id}/events   what happens in it, as server-sent events
//	POST   /v1/jobs/{id}/cancel   asks for its end
//	GET    /v1/version            the server's version
//	GET    /v1/openapi.yaml       this, in full
//	GET    /healthz, /readyz      whether the server lives, and reaches its store
//
// The server keeps nothing that matters: it reads and writes the object store,
// so there may be any number of servers, and each may be restarted at any time.
package api
