import t from 'tap'
import { collectOriginals, readOriginals } from '../check/originals.ts'

t.test('`npm run learn -- reset` restores the current exercises', async (t) => {
  t.equal(await readOriginals(), await collectOriginals(), '`npm run docs:refresh` updates it')
})
