import type { Knex } from 'knex'

export const up = (knex: Knex) => knex.raw('ALTER TABLE users ADD COLUMN phone_number varchar(32)')

export const down = (knex: Knex) => knex.raw('ALTER TABLE users DROP COLUMN phone_number')
