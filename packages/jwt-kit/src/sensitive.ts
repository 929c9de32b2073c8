/**
 * Words that make the name of a claim sensitive. Anyone who holds a token can read its payload, and tokens end up in logs.
 */
const SENSITIVE_WORDS: ReadonlySet<string> = new Set(
  [
    'password passwd pwd passphrase passcode pin hash salt digest secret token credential credentials',
    'apikey privatekey cookie otp totp mfa cvv cvc card pan iban ssn sin nino passport',
    'email mail phone telephone mobile address street postcode zip birthday birthdate birth dob gender salary',
    'diagnosis religion ethnicity fingerprint biometric',
  ].flatMap((line) => line.split(' ')),
)

/** Pairs of words that are sensitive together. */
const SENSITIVE_PAIRS: ReadonlySet<string> = new Set([
  'pass word',
  'pass phrase',
  'api key',
  'private key',
  'access key',
  'secret key',
  'signing key',
  'e mail',
  'credit card',
  'social security',
  'security number',
  'tax id',
  'national id',
  'first name',
  'last name',
  'full name',
])

/** Returns the word that makes the name of a claim sensitive, or undefined. */
export function findSensitiveWord(name: string): string | undefined {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter(Boolean)
  const isSensitive = (word: string) =>
    SENSITIVE_WORDS.has(word) || SENSITIVE_WORDS.has(word.replace(/e?s$/, ''))
  const pairs = words.slice(1).map((word, at) => `${words[at]} ${word}`)
  return (
    words.find(isSensitive) ?? pairs.find((pair) => SENSITIVE_PAIRS.has(pair)) ?? findCompound(words.join(''))
  )
}

const COMPOUNDS =
  'password passwd secret token creditcard email hash ssn phone address firstname lastname'.split(' ')

// Without a capital or an underscore the words run together: passwordhash, useremail.
function findCompound(name: string): string | undefined {
  return COMPOUNDS.find((word) => name.startsWith(word) || name.endsWith(word))
}
