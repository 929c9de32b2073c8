import 'reflect-metadata'
import { dbSession, toDbSessionError } from '@auth-primer/db-session'
import { type ArgumentsHost, Body, Catch, Controller, Get, Module, Post, Req } from '@nestjs/common'
import { BaseExceptionFilter, HttpAdapterHost, NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication, RouteConfig } from '@nestjs/platform-fastify'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Knex } from 'knex'

interface NewUser {
  readonly email: string
  readonly invited_by?: number
}

// #region controller
@Controller('users')
class UsersController {
  @Post()
  async create(@Req() request: FastifyRequest, @Body() user: NewUser) {
    const [created] = await request.db('users').insert(user).returning('*')
    return created
  }

  @Get()
  @RouteConfig({ db: { mode: 'read' } })
  async list(@Req() request: FastifyRequest) {
    return request.db('users').orderBy('id')
  }
}
// #endregion

// #region filter
/** Responds to errors of the database with their status. Nest responds to all others. */
@Catch()
class DbSessionFilter extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    const known = toDbSessionError(error)
    if (known === undefined) {
      super.catch(error, host)
      return
    }
    const reply = host.switchToHttp().getResponse<FastifyReply>()
    const { statusCode, headers = {}, code, message } = known
    reply.code(statusCode).headers(headers).send({ statusCode, code, message })
  }
}
// #endregion

@Module({ controllers: [UsersController] })
class AppModule {}

// #region app
export async function buildApp(knex: Knex): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), {
    logger: false,
  })
  await app.register(dbSession as never, { knex })
  app.useGlobalFilters(new DbSessionFilter(app.get(HttpAdapterHost).httpAdapter))
  await app.init()
  return app
}
// #endregion
