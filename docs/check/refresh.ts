import { writeFile } from 'node:fs/promises'
import { refreshTask } from './lesson.ts'
import { collectOriginals, ORIGINALS, readOriginals } from './originals.ts'
import { readPages, refreshBlocks } from './pages.ts'

// `npm run docs:refresh` updates the code that pages show, the tasks of the classes, and the original files of the exercises.
for (const page of await readPages()) {
  const text = await refreshTask({ ...page, text: await refreshBlocks(page) })
  if (text === page.text) continue
  await writeFile(page.path, text)
  console.log(page.name)
}

const text = await collectOriginals()
if (text !== (await readOriginals())) {
  await writeFile(ORIGINALS, text)
  console.log('docs/originals.json')
}
