import { Type } from '@sinclair/typebox'
import t from 'tap'
import { type JwtRemoteOptions, jwtRemote } from '../src/index.ts'
import { type claims, errorOf, makeKey, optionsFor, setOf, sign } from './support.ts'

const key = makeKey('k')
const given = optionsFor({ jwks: setOf(key) })
const remote = (options: object) => () => jwtRemote(options as JwtRemoteOptions<typeof claims>)

t.test('an option with an unknown name is an error that names it', async (t) => {
  for (const name of ['audiences', 'jwksUrl', 'Issuer', 'isRevoked', 'toString'])
    t.throws(remote({ ...given, [name]: 'x' }), {
      code: 'JWT_KIT_OPTIONS',
      statusCode: 500,
      message: `jwtRemote has no option \`${name}\``,
      hint: /issuer, audience, claims/,
    })
})

t.test('an option with a wrong value is an error that names the option, and not the value', async (t) => {
  const wrong: Record<string, unknown[]> = {
    issuer: [undefined, '', 7, [], [''], null],
    audience: [undefined, '', true, null, [], [7]],
    authorizedParty: ['', [], null, false],
    claims: [undefined, {}, Type.String(), Type.Object({ iss: Type.String() })],
    algorithms: [[], 'RS256', ['HS256'], ['none'], ['RS256', 'rs256'], [null]],
    typ: ['', [], 7, [7]],
    clockTolerance: [5, '5', '6m', '-1s', 'secret'],
    maxTokenLength: ['8192', 999, 262_145, 1500.5, Number.NaN],
    timeout: ['0s', '61s', 5000],
    cooldown: ['0s', '2h'],
    cacheMaxAge: ['25h', '10s', 600],
    maxJwksBytes: [0, 4_194_305, '1mb'],
    now: [0, 'now'],
    formats: [null, 'email', {}],
    jwks: [[], {}, { keys: {} }, 'text'],
  }
  for (const [name, values] of Object.entries(wrong))
    for (const value of values)
      t.match(
        await errorOf(remote({ ...given, [name]: value })),
        { name: 'JwtKitError', code: 'JWT_KIT_OPTIONS', message: new RegExp(`\\b${name}\\b|claim`) },
        `${name}: ${JSON.stringify(value)}`,
      )
  const { message, hint } = await errorOf(remote({ ...given, clockTolerance: 'hunter2' }))
  t.notOk(`${message}${hint}`.includes('hunter2'))
  t.throws(remote(undefined as unknown as object), { code: 'JWT_KIT_OPTIONS' })
})

t.test('an undefined option is as one that is left out', async (t) => {
  const token = await sign(key)
  t.ok(await remote({ ...given, typ: undefined, algorithms: undefined, jwksUri: undefined })().verify(token))
})

t.test('either `jwks` or `jwksUri` is given', async (t) => {
  const { jwks, ...neither } = given
  t.throws(remote(neither), { code: 'JWT_KIT_OPTIONS', message: /jwksUri/ })
  t.throws(remote({ ...neither, jwks, jwksUri: 'https://login.example/jwks' }), { code: 'JWT_KIT_OPTIONS' })
  t.ok(remote({ ...neither, jwksUri: 'https://login.example/jwks' })())
})

t.test('plain http is for loopback addresses alone', async (t) => {
  const { jwks: _, ...rest } = given
  for (const jwksUri of [
    'http://localhost:8080/jwks',
    'http://127.0.0.1/jwks',
    'http://127.9.9.9/jwks',
    'http://[::1]:8080/jwks',
    'HTTPS://login.example/jwks',
  ])
    t.ok(remote({ ...rest, jwksUri })(), jwksUri)
  for (const jwksUri of [
    'http://login.example/jwks',
    'http://10.0.0.1/jwks',
    'http://169.254.169.254/jwks',
    'http://localhost.evil.example/jwks',
    'http://127.0.0.1.evil.example/jwks',
    'http://[::ffff:10.0.0.1]/jwks',
    'http://0.0.0.0/jwks',
    'file:///etc/passwd',
    'data:application/json,{}',
    'ftp://login.example/jwks',
    'https://user:secret@login.example/jwks',
    'https://user@login.example/jwks',
    'login.example/jwks',
    '//login.example/jwks',
    '',
    7,
  ])
    t.throws(remote({ ...rest, jwksUri }), { code: 'JWT_KIT_OPTIONS', message: /jwksUri/ }, `${jwksUri}`)
})

t.test('later changes of the options change nothing', async (t) => {
  const algorithms: 'RS256'[] = ['RS256']
  const issuer = [given.issuer]
  const made = jwtRemote({ ...given, algorithms, issuer })
  algorithms.length = 0
  issuer[0] = 'https://evil.example/'
  t.ok(await made.verify(await sign(key)))
})

t.test('guard() has no options, and an option of jwt-kit is an error', async (t) => {
  const { guard } = remote(given)()
  t.type(guard(), 'function')
  for (const options of [{ optional: true }, true, null])
    t.throws(() => (guard as (options: unknown) => unknown)(options), { code: 'JWT_KIT_OPTIONS' })
})

t.test('options of other libraries are an error, and never ignored, and an index is not one', async (t) => {
  const made: Record<string, (...args: unknown[]) => Promise<unknown>> = { ...remote(given)() } as never
  const token = await sign(key)
  const request = { headers: { authorization: `Bearer ${token}` } }
  for (const [name, argument] of [
    ['verify', token],
    ['verifyRequest', request],
    ['explain', token],
  ] as const) {
    await t.rejects(made[name]?.(argument, { audience: 'another' }) as Promise<unknown>, {
      code: 'JWT_KIT_OPTIONS',
      message: `\`${name}\` has no options`,
    })
    t.ok(await made[name]?.(argument, 0), name)
  }
})
