create table guests (id serial primary key, name text not null);
