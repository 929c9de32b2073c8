import type { Stage } from '../check.ts'
import { itAnswers } from './01-it-answers.ts'
import { validatesInput } from './02-validates-input.ts'
import { createsAndReadsPosts } from './03-creates-and-reads-posts.ts'
import { editsAndDeletesPosts } from './04-edits-and-deletes-posts.ts'
import { storesUsers } from './05-stores-users.ts'
import { neverShowsAPassword } from './06-never-shows-a-password.ts'
import { hashesPasswords } from './07-hashes-passwords.ts'
import { logsIn } from './08-logs-in.ts'
import { answersAlike } from './09-answers-alike.ts'
import { issuesAToken } from './10-issues-a-token.ts'
import { requiresAToken } from './11-requires-a-token.ts'
import { refusesForgedTokens } from './12-refuses-forged-tokens.ts'
import { refusesExpiredTokens } from './13-refuses-expired-tokens.ts'
import { knowsOwners } from './14-knows-owners.ts'
import { votes } from './15-votes.ts'
import { pagesAndSearches } from './16-pages-and-searches.ts'
import { cors } from './17-cors.ts'
import { survivesBadInput } from './18-survives-bad-input.ts'
import { keepsWhatItAcknowledged } from './19-keeps-what-it-acknowledged.ts'
import { refreshesTokens } from './20-refreshes-tokens.ts'
import { limitsLoginAttempts } from './21-limits-login-attempts.ts'

/** In the order of the course. */
export const STAGES: readonly Stage[] = [
  itAnswers,
  validatesInput,
  createsAndReadsPosts,
  editsAndDeletesPosts,
  storesUsers,
  neverShowsAPassword,
  hashesPasswords,
  logsIn,
  answersAlike,
  issuesAToken,
  requiresAToken,
  refusesForgedTokens,
  refusesExpiredTokens,
  knowsOwners,
  votes,
  pagesAndSearches,
  cors,
  survivesBadInput,
  keepsWhatItAcknowledged,
  refreshesTokens,
  limitsLoginAttempts,
]
