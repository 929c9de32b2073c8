import { createHmac, randomBytes, randomInt } from 'node:crypto'

// #region guess
const sign = (text: string, secret: string) => createHmac('sha256', secret).update(text).digest('base64url')

const payload = '{"sub":"7","role":"user"}'
const pin = String(randomInt(10_000)).padStart(4, '0')
const signature = sign(payload, pin)

// The attacker has only a token: its payload and its signature.
let guess = 0
while (sign(payload, String(guess).padStart(4, '0')) !== signature) guess += 1
const found = String(guess).padStart(4, '0')
console.log('found the secret:', found === pin)
console.log('forged:', '{"sub":"1","role":"admin"}', sign('{"sub":"1","role":"admin"}', found).length)

console.log('guesses for 32 random bytes: 2 to the power of', randomBytes(32).length * 8)
// #endregion
