import { pgTable, serial, text } from 'drizzle-orm/pg-core'

export const guests = pgTable('guests', {
  id: serial().primaryKey(),
  name: text().notNull(),
})
