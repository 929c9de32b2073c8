import { expectStatus, expectThat, need, type Stage } from '../check.ts'
import type { Received } from '../http.ts'
import { newPost, PATHS, requireToken, type Subject, toObject } from '../subject.ts'

export const refreshesTokens: Stage = {
  number: '20',
  slug: 'refreshes-tokens',
  title: 'A refresh token gets a new access token',
  checks: [
    {
      id: 'refresh',
      title: 'POST /token/refresh returns a new access token and a new refresh token',
      hints: [
        'Does your login return a `refresh_token` along with the `access_token`?',
        'At login, create a random string and store its SHA-256 digest with the user and an expiration time. Accept the string at POST /token/refresh.',
        "Node: `randomBytes(32).toString('base64url')`.",
      ],
      async run(subject) {
        const { login } = await subject.needLogin(await subject.author('ada'))
        const before = requireRefreshToken(login)
        const received = expectStatus(await refresh(subject, before), 200, 201)
        const token = requireToken(received)
        expectThat(
          requireRefreshToken(received) !== before,
          'a different refresh token than before',
          received,
        )
        const credentials = 'with the new access token'
        expectStatus(
          await subject.request('POST', PATHS.posts, { token, credentials, json: newPost() }),
          ...[201, 200],
        )
      },
    },
    {
      id: 'refresh-twice',
      title: 'a refresh token works only once',
      hints: [
        'Send the same refresh token twice. What status does the second request return?',
        'Replace the stored digest with the new token’s digest in one statement.',
        'SQL: `UPDATE … SET digest = $new WHERE digest = $old RETURNING user_id`. If it returns no row, send a 401.',
      ],
      async run(subject) {
        const token = await needUsedToken(subject)
        expectStatus(await refresh(subject, token), 401, 400, 403)
      },
    },
    {
      id: 'refresh-unknown',
      title: 'an unknown refresh token is rejected',
      hints: [
        'Send any string as the refresh token. What status do you get?',
        'If the digest is not in the table, send a 401.',
        'An access token is not a refresh token, either.',
      ],
      async run(subject) {
        await needUsedToken(subject)
        const { token } = await subject.account('ada')
        for (const wrong of ['tomato', token]) expectStatus(await refresh(subject, wrong), 401, 400, 403, 422)
      },
    },
    {
      id: 'refresh-as-access',
      title: 'a refresh token is not accepted as an access token',
      hints: [
        'Send the refresh token as `Authorization: Bearer …`. What status do you get?',
        'Make the two kinds of token different: use an opaque string, or a different `typ` or `aud` that you check.',
        'RFC 8725 calls this mistake cross-JWT confusion.',
      ],
      async run(subject) {
        const token = await needRefreshToken(subject)
        const credentials = 'with a refresh token as the access token'
        expectStatus(
          await subject.request('POST', PATHS.posts, { token, credentials, json: newPost() }),
          ...[401, 400, 403],
        )
      },
    },
  ],
}

/** Logs in, and returns the refresh token for a check that builds on it. */
function needRefreshToken(subject: Subject): Promise<string> {
  return need('a login with a refresh token', async () => {
    const { login } = await subject.needLogin(await subject.author('ada'))
    return requireRefreshToken(login)
  })
}

/** Returns a refresh token that has been exchanged. */
async function needUsedToken(subject: Subject): Promise<string> {
  const token = await needRefreshToken(subject)
  await need('a refresh token that works once', async () =>
    expectStatus(await refresh(subject, token), 200, 201),
  )
  return token
}

function requireRefreshToken(received: Received): string {
  const expected = 'a JSON object with a `refresh_token`'
  const { refresh_token: token } = toObject(received, expected)
  expectThat(typeof token === 'string' && token !== '', expected, received)
  return token
}

function refresh(subject: Subject, token: string): Promise<Received> {
  return subject.request('POST', PATHS.refresh, { json: { refresh_token: token } })
}
