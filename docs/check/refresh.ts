import { writeFile } from 'node:fs/promises'
import { ORIGINALS, originals, readOriginals } from './originals.ts'
import { readPages, refreshed } from './pages.ts'

// `npm run docs:refresh`: writes anew the code that pages show of files, and what the exercises came as.
for (const page of await readPages()) {
  const text = await refreshed(page)
  if (text === page.text) continue
  await writeFile(page.path, text)
  console.log(page.name)
}

const text = await originals()
if (text !== (await readOriginals())) {
  await writeFile(ORIGINALS, text)
  console.log('docs/originals.json')
}
