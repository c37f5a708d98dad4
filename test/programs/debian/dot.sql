create table people(name text, age int);
insert into people values('Ada', 36),('Grace', 85);
.tables
.schema
.mode csv
select * from people;
.mode json
select * from people;
.headers on
.mode column
select * from people;
.dump
.read /nowhere
.backup /tmp/copy.db
.open /tmp/copy.db
select count(*) from people;
