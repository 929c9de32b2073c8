import t from 'tap'
import { originals, readOriginals } from '../check/originals.ts'

t.test('`npm run learn -- reset` puts back what the chapters come with', async (t) => {
  t.equal(await readOriginals(), await originals(), '`npm run docs:refresh` writes it anew')
})
