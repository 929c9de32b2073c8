import type { Place } from '@auth-primer/auth-hash'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { User } from '../users/model.ts'
export interface LoginLimiterOptions {
  throttles: { failedLoginsPerAccount: number; failedLoginsPerAddress: number; signUpsPerMinute: number }
  jwtSecret: string
}
export default async function (_app: FastifyInstance, _o: LoginLimiterOptions) {}
export async function limitLoginAttempts(
  request: FastifyRequest,
  _email: string,
  attempt: (slot: Place) => Promise<User | undefined>,
): Promise<User | undefined> {
  return attempt(request.server.hasher.reserve())
}
export async function limitSignUps(_request: FastifyRequest): Promise<void> {}
