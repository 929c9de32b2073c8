// @ts-check

/** Short, so that the field shows all of a password. */
export const WORDS = ['radish', 'balcony', 'tomato', 'compost', 'garden', 'kettle', 'seedling', 'trellis']

/** Returns a password, made here, so that not even an example of one comes from the service. */
export function madeUp() {
  const [first = 0, second = 0, number = 0] = crypto.getRandomValues(new Uint8Array(3))
  return `${WORDS[first % WORDS.length]} & ${WORDS[second % WORDS.length]} ${(number % 90) + 10}`
}

/**
 * Returns a password that differs from this one at first sight.
 *
 * @param {string} password
 */
export function otherThan(password) {
  const other = WORDS.find((word) => !password.includes(word)) ?? ''
  return password.replace(/^\w*/, other)
}
