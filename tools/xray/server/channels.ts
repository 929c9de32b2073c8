import { AsyncLocalStorage } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import type { Failure } from './trace.ts'

/** Every event has the number of its trace, counted from 1. */
export interface RequestEvent {
  readonly request: number
}

export interface ReceiveEvent extends RequestEvent {
  readonly requestId: string
  readonly method: string
  /** Redacted. */
  readonly path: string
  readonly isPage: boolean
}

export interface ValidateEvent extends RequestEvent {
  /** The parts of the request that the route has a schema for. */
  readonly parts: readonly string[]
}

export interface FailEvent extends RequestEvent {
  readonly failure: Failure
}

export interface SerializeEvent extends RequestEvent {
  readonly status: number
  readonly problem: Failure | undefined
  /** The names that the response's schema leaves out. */
  readonly omitted: readonly string[]
}

export interface SendEvent extends RequestEvent {
  readonly status: number
}

export interface EndEvent extends RequestEvent {
  readonly status: number
  /** False if the client disconnected first. */
  readonly isSent: boolean
}

/** The stages of a request, with names, numbers and codes, but never a value from the request or the response. */
export const channels = {
  receive: channel('auth-primer:xray:receive'),
  /** Published with the number of requests that are not traced: `{ requests }`. */
  skip: channel('auth-primer:xray:skip'),
  /** The first of the route's own hooks is about to run. */
  admit: channel('auth-primer:xray:admit'),
  /** The body has been read. */
  read: channel('auth-primer:xray:read'),
  validate: channel('auth-primer:xray:validate'),
  fail: channel('auth-primer:xray:fail'),
  /** The payload is about to be serialized. */
  serialize: channel('auth-primer:xray:serialize'),
  /** The payload is final: db-session commits or rolls back after this. */
  send: channel('auth-primer:xray:send'),
  end: channel('auth-primer:xray:end'),
}

/** The trace that the current async context belongs to. The packages' events do not know about requests. */
export const current = new AsyncLocalStorage<number>()
