package telemetry

// ownHeaders is how many headers a producer writes itself.
const ownHeaders = 8
