import { createPublicKey } from 'node:crypto'
import t from 'tap'
import { keyring } from '../src/index.ts'
import { isRoca, ROCA_PRIMES } from '../src/weak-key.ts'
import { privateKeys } from './support.ts'

const product = ROCA_PRIMES.reduce((all, prime) => all * BigInt(prime), 1n)

/** A number of 2048 bits that is a power of 65537 modulo every small prime, as those moduli are. */
function makeModulus(): bigint {
  const start = 2n ** 2047n
  const modulus = start - (start % product) + product + (65_537n ** 7n % product)
  return modulus % 2n === 1n ? modulus : modulus + product
}

const jwkOf = (modulus: bigint) => ({
  kty: 'RSA',
  e: 'AQAB',
  n: Buffer.from(modulus.toString(16), 'hex').toString('base64url'),
})

t.test('knows the moduli that can be factored, and no other', async (t) => {
  t.ok(isRoca(makeModulus()))
  t.notOk(isRoca(makeModulus() + 2n))
})

t.test('no ring takes such a key', async (t) => {
  const error = { code: 'JWT_KIT_KEY', message: /sound RSA key/ }
  t.throws(() => keyring('RS256', [{ kid: 'a', key: jwkOf(makeModulus()) }]), error)
  t.throws(() => keyring('PS256', [{ kid: 'a', key: jwkOf(makeModulus()) }]), error)
  t.ok(keyring('RS256', [{ kid: 'a', key: jwkOf(makeModulus() + 2n) }]), 'one that is not')
  t.ok(keyring('RS256', [{ kid: 'a', key: createPublicKey(privateKeys.RS256) }]))
})
