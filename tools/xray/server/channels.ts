import { AsyncLocalStorage } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import type { Failure, KeptBack } from './trace.ts'

/** A request that is watched: its number, counted from 1, is what every event about it carries. */
export interface RequestEvent {
  readonly request: number
}

/** It was received. */
export interface ReceiveEvent extends RequestEvent {
  readonly requestId: string
  readonly method: string
  readonly path: string
}

/** Its values are what their schemas ask for. */
export interface ValidateEvent extends RequestEvent {
  readonly parts: readonly string[]
}

/** An error was thrown. */
export interface FailEvent extends RequestEvent {
  readonly failure: Failure
}

/** Its answer is about to be written by its schema. */
export interface SerialiseEvent extends RequestEvent {
  readonly status: number
  readonly problem: Failure | undefined
  readonly keptBack: KeptBack
}

/** The answer is as it will leave: what is stored or undone is decided now. */
export interface SendEvent extends RequestEvent {
  readonly status: number
}

/** It is over. */
export interface EndEvent extends RequestEvent {
  readonly status: number
  /** `false`: the client has left before its answer did. */
  readonly isSent: boolean
}

/** What the service itself tells of a request: names, numbers and codes, never a value that a client sent or is sent. */
export const channels = {
  receive: channel('auth-primer:xray:receive'),
  /** More requests came than are watched: `{ requests }`, how many. */
  skip: channel('auth-primer:xray:skip'),
  admit: channel('auth-primer:xray:admit'),
  read: channel('auth-primer:xray:read'),
  validate: channel('auth-primer:xray:validate'),
  fail: channel('auth-primer:xray:fail'),
  serialise: channel('auth-primer:xray:serialise'),
  send: channel('auth-primer:xray:send'),
  end: channel('auth-primer:xray:end'),
}

/** In whose work we are, while somebody watches: the packages know of no requests. */
export const current = new AsyncLocalStorage<number>()
