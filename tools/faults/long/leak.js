// Loaded into a service: it keeps a little of each request.
import { subscribe } from 'node:diagnostics_channel'

globalThis.kept = []
subscribe('http.server.request.start', () => globalThis.kept.push(new Array(5_000).fill(0)))
