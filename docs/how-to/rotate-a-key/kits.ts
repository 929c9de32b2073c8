import { jwtKit, type Keyring, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { Type } from '@sinclair/typebox'

const access = tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) })
const kitWith = (keys: Keyring, now: () => number) =>
  jwtKit({ issuer: 'https://api.shop.example', keys, kinds: { access }, now })

/** The four states of a rotation, each of which is rolled out to every process before the next. */
export function rotation(old: string, next: string, now: () => number) {
  return {
    // #region before
    before: kitWith(keyring('HS256', [{ kid: '2026-05', key: old }]), now),
    // #endregion
    // #region known
    known: kitWith(
      keyring('HS256', [
        { kid: '2026-05', key: old },
        { kid: '2026-11', key: next },
      ]),
      now,
    ),
    // #endregion
    // #region signing
    signing: kitWith(
      keyring('HS256', [
        { kid: '2026-11', key: next },
        { kid: '2026-05', key: old, verifyUntil: '2026-11-22T13:00:00Z' },
      ]),
      now,
    ),
    // #endregion
    // #region after
    after: kitWith(keyring('HS256', [{ kid: '2026-11', key: next }]), now),
    // #endregion
  }
}

// #region replace
export function rotateWithoutRestart(kit: ReturnType<typeof kitWith>, old: string, next: string) {
  kit.replaceKeys(
    keyring('HS256', [
      { kid: '2026-11', key: next },
      { kid: '2026-05', key: old, verifyUntil: '2026-11-22T13:00:00Z' },
    ]),
  )
}
// #endregion
