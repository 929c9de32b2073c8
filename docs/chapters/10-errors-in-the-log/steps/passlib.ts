import { hashSync } from 'bcrypt'

interface Bcrypt {
  __about__?: { __version__: string }
  hashpw(password: string): string
}

// #region releases
const hashpw = (password: string) => hashSync(password, 4)

/** The differences between releases of Python's bcrypt that matter to passlib. */
const releases: Record<string, Bcrypt> = {
  '4.0': { __about__: { __version__: '4.0.1' }, hashpw },
  '4.1': { hashpw },
  '5.0': {
    hashpw(password) {
      if (Buffer.byteLength(password) > 72) throw new Error('password cannot be longer than 72 bytes')
      return hashpw(password)
    },
  },
}
// #endregion

// #region passlib
/** Does what passlib 1.7.4 does before the first password: reads the version, then tests for an old bug. */
function load(bcrypt: Bcrypt): void {
  try {
    console.log('version', (bcrypt as Required<Bcrypt>).__about__.__version__)
  } catch {
    console.log('(trapped) error reading bcrypt version')
  }
  // Some old versions of bcrypt mishandled a length of 255 bytes. Does this one?
  bcrypt.hashpw('0123456789'.repeat(26).slice(0, 255))
}
// #endregion

for (const [release, bcrypt] of Object.entries(releases)) {
  console.log(`bcrypt ${release}`)
  try {
    load(bcrypt)
    console.log('  hashed', bcrypt.hashpw('tomatoes in june').slice(0, 7))
  } catch (error) {
    console.log(`  ValueError: ${(error as Error).message}`)
  }
}
