import { darwin } from './darwin.ts'
import { linux } from './linux.ts'
import type { Platform } from './platform.ts'
import { win32 } from './win32.ts'

export type { Binaries } from './platform.ts'

const platforms: Partial<Record<NodeJS.Platform, Platform>> = { darwin, linux, win32 }

/** The implementation for this system, chosen here and nowhere else. Other systems are most like macOS. */
export const platform: Platform = platforms[process.platform] ?? darwin
