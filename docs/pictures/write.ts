// `npm run docs:pictures` draws the pictures of the chapters.
import { writeFile } from 'node:fs/promises'
import { CHAPTER_PICTURES } from './chapters.ts'
import { drawPicture } from './draw.ts'

for (const picture of CHAPTER_PICTURES)
  await writeFile(new URL(`../${picture.file}`, import.meta.url), drawPicture(picture))
