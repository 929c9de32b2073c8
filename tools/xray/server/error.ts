/** An error that the service's error handler turns into a response with `statusCode`. A `busy` bench is a 503. */
export class XrayError extends Error {
  override readonly name = 'XrayError'
  readonly statusCode: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>

  constructor(
    reason: 'malformed' | 'not-found' | 'conflict' | 'busy',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
    const [statusCode, code] = REASONS[reason]
    this.statusCode = statusCode
    this.code = code
    this.headers = reason === 'busy' ? { 'retry-after': '1' } : {}
  }
}

const REASONS = {
  malformed: [400, 'XRAY_MALFORMED'],
  'not-found': [404, 'XRAY_NOT_FOUND'],
  conflict: [409, 'XRAY_CONFLICT'],
  busy: [503, 'XRAY_BUSY'],
} as const
